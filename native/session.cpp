// What a session does: stretches of steps, on one thread or several, and prediction.
#include "session.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <system_error>
#if !defined(_WIN32)
#include <unistd.h>
#endif

#include "rng.hpp"

namespace backlit {
namespace {

constexpr int ENCODED_AT_ONCE = 4096;  // rows, for prediction
constexpr double WORTH_SHARING = 5e5;  // multiplications a step below which threads are not even tried

int64_t process() {
#if defined(_WIN32)
    return 0;
#else
    return getpid();
#endif
}

}  // namespace

const std::vector<const Functions*>& instruction_sets() {
    static const std::vector<const Functions*> found = [] {
        std::vector<const Functions*> sets;
#if defined(__x86_64__) || defined(_M_X64)
        const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
        if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
            __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
            sets.push_back(&v4::functions);
        if (avx2) sets.push_back(&v3::functions);
#else
        sets.push_back(&arm64::functions);
#endif
        return sets;
    }();
    return found;
}

Session::~Session() {
    if (team_process != process()) (void)team.release();
}

// A vector of theta's size into the arena's layout, or back.
template <bool BACK, class Theta>
void Session::copy(Theta* theta, float* kept) const {
    for (const Layer& l : layers)
        for (const Slot* s = l.slot; s < l.slot + l.slots; s++)
            for (int r = 0; r < s->rows; r++) {
                Theta* const from = theta + s->start + (s->transposed ? r : int64_t(r) * s->cols);
                float* const to = kept + s->at + int64_t(r) * s->stride;
                const int64_t step = s->transposed ? s->rows : 1;
                for (int c = 0; c < s->cols; c++)
                    if constexpr (BACK)
                        from[c * step] = to[c];
                    else
                        to[c] = from[c * step];
            }
}

void Session::load(const float* theta, float* const* memory) {
    std::fill_n(layout.theta, layout.size, 0.0f);  // an infinite rate may have spoilt the padding
    copy<false>(theta, layout.theta);
    for (int k = 0; k < 2; k++)
        if (memory && memory[k]) copy<false>(memory[k], layout.memory[k]);
    functions.prepare(layout);
}

void Session::unload(float* theta, float* const* memory) const {
    copy<true>(theta, layout.theta);
    for (int k = 0; k < 2; k++)
        if (memory[k]) copy<true>(memory[k], layout.memory[k]);
}

void Session::draw_units(uint64_t new_seed) {
    if (seeded && seed == new_seed) return;
    seed = new_seed, seeded = true;
    unit_draws.clear();
    for (const Units& u : units) {
        Layer& l = layers[u.layer];
        std::vector<uint32_t>& draws = unit_draws.emplace_back(l.N, 0);
        for (int j = 0; j < u.units; j++) draws[j] = draw_of_unit(seed, uint64_t(u.position), uint64_t(u.units), uint64_t(j));
        l.mask[u.mask].units = draws.data();
    }
}

int Session::train(float* theta, float* const* memory, Stretch stretch) {
    const int steps = int((stretch.count + layout.batch - 1) / layout.batch);
    draw_units(stretch.seed);
    load(theta, memory);
    run(stretch, steps);
    int done = 0;
    const Figures& figures = stretch.figures;
    while (done < steps && std::isfinite(figures.E[done] + figures.gradient_norm[done])) done++;
    if (done < steps) {  // go through it once more, up to there, without the NaN that now fills the padding too
        std::fill_n(arena.get(), arena_size, 0.0f);
        load(theta, memory);
        run(stretch, done);
        figures.update_norm[done] = std::numeric_limits<double>::quiet_NaN();  // that update was not made
    }
    unload(theta, memory);
    return done;
}

double Session::make_steps(Stretch stretch, int from, int to, bool shared) {
    stretch.from = from, stretch.to = to;
    return timed([&] {
        if (shared)
            team->run([&](int thread) { functions.train(layout, stretch, team.get(), thread, threads); });
        else
            functions.train(layout, stretch, nullptr, 0, 1);
    });
}

// Bits do not depend on the number of threads, so the faster way is found by trying both, again in every stretch.
void Session::run(const Stretch& stretch, int steps) {
    double work = 0;
    for (const Item& item : items) work += item.cost;
    if (threads == 1 || work < WORTH_SHARING || !gather_team()) {
        make_steps(stretch, 0, steps, false);
        return;
    }
    int at = 0;
    if (steps >= 4) {
        const int tried = std::max(1, steps / 24);
        make_steps(stretch, 0, 1, true);  // wakes the threads
        together = make_steps(stretch, 1, 1 + tried, true) / tried;
        alone = make_steps(stretch, 1 + tried, 1 + 2 * tried, false) / tried;
        at = 1 + 2 * tried;
    }
    if (at == steps) return;
    bool shared = together <= alone;  // at first both are 0: each way gets its turn
    if (steps < 4 && ++short_stretches % 16 == 0) shared = !shared;
    (shared ? together : alone) = make_steps(stretch, at, steps, shared) / (steps - at);
}

// Whether there are threads to share the work with.
bool Session::gather_team() {
    if (team_process != process()) {
        (void)team.release();  // a forked process has no threads but its own
        team_process = process();
        try {
            team = std::make_unique<Team>(threads);
        } catch (const std::system_error&) {
        }
    }
    return team != nullptr;
}

void Session::gradient(const float* theta, uint64_t seed, const int64_t* positions, const uint32_t* draws, int count,
                       float* result) {
    draw_units(seed);
    load(theta, nullptr);
    functions.gradient(layout, positions, draws, count);
    copy<true>(result, layout.gradient);
    std::fill_n(arena.get(), arena_size, 0.0f);  // a NaN may now fill the padding
}

void Session::predict(const float* theta, float* S) {
    load(theta, nullptr);
    const float* X = layout.X;
    std::vector<uint16_t> codes(size_t(std::min<int64_t>(layout.n, ENCODED_AT_ONCE)) * layout.fields);
    layout.codes = codes.data();
    for (int64_t first = 0; first < layout.n; first += ENCODED_AT_ONCE) {
        const int count = int(std::min<int64_t>(layout.n - first, ENCODED_AT_ONCE));
        layout.X = X + first * layout.d;
        if (layout.fields) functions.encode(layout, 0, count, codes.data());
        for (int b = 0; b < count; b += layout.batch)
            functions.scores(layout, b, std::min(layout.batch, count - b), S + (first + b) * layout.loss.outputs);
    }
    layout.X = X;
}

}  // namespace backlit
