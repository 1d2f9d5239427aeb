// A few threads that do one piece of work together and meet on the way.
#pragma once

#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include "layout.hpp"

namespace backlit {

struct Team {
    explicit Team(int size);
    ~Team();
    Team(const Team&) = delete;

    // work(thread) on every thread, the caller being 0; returns when all are done.
    void run(const std::function<void(int)>& work);
    // Returns when every thread has called it.
    void meet();

    const int size;

   private:
    void wait_for_work(int thread);
    void dismiss();

    std::vector<std::thread> workers;
    const std::function<void(int)>* work = nullptr;
    bool over = false;
    std::atomic<uint32_t> task{0}, arrived{0}, meeting{0};
};

}  // namespace backlit
