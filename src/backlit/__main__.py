from backlit.cli.main import main

main()
