#include "threads.hpp"

namespace backlit {
namespace {

constexpr int SPINS = 2000;  // some 50 microseconds; whoever waits longer sleeps, for its core may be needed by the others

void wait_while(const std::atomic<uint32_t>& value, uint32_t old) {
    for (int i = 0; i < SPINS; i++) {
        if (value.load(std::memory_order_acquire) != old) return;
#if defined(__x86_64__) || defined(_M_X64)
        __builtin_ia32_pause();
#else
        asm volatile("yield");
#endif
    }
    while (value.load(std::memory_order_acquire) == old) value.wait(old, std::memory_order_acquire);
}

void change(std::atomic<uint32_t>& value) {
    value.fetch_add(1, std::memory_order_acq_rel);
    value.notify_all();
}

}  // namespace

Team::Team(int size) : size(size) {
    try {
        for (int thread = 1; thread < size; thread++) workers.emplace_back([this, thread] { wait_for_work(thread); });
    } catch (...) {
        dismiss();
        throw;
    }
}

Team::~Team() { dismiss(); }

void Team::dismiss() {
    over = true;
    change(task);
    for (std::thread& worker : workers) worker.join();
}

void Team::wait_for_work(int thread) {
    for (uint32_t seen = 0;; seen++) {
        wait_while(task, seen);
        if (over) return;
        (*work)(thread);
        meet();
    }
}

void Team::run(const std::function<void(int)>& todo) {
    work = &todo;
    change(task);
    todo(0);
    meet();
}

void Team::meet() {
    const uint32_t now = meeting.load(std::memory_order_acquire);
    if (arrived.fetch_add(1, std::memory_order_acq_rel) + 1 == uint32_t(size)) {
        arrived.store(0, std::memory_order_relaxed);
        change(meeting);
    } else {
        wait_while(meeting, now);
    }
}

void meet(Team* team) { team->meet(); }

}  // namespace backlit
