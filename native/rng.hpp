// Randomness from counters, as in core/rng.py: whole numbers only. (`static`: every file has its own copy, since files
// are compiled for different processors.)
#pragma once

#include <cstdint>
#include <initializer_list>

namespace backlit {

constexpr uint64_t DROPOUT = 3, GOLDEN = 0x9E3779B97F4A7C15;

static inline uint64_t mix64(uint64_t x) {
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
    return x ^ (x >> 31);
}

// One number from several, each mixed in after the other.
static inline uint64_t fold(std::initializer_list<uint64_t> words) {
    uint64_t state = 0;
    for (uint64_t word : words) state = mix64((state ^ word) + GOLDEN);
    return state;
}

// What a step adds to every table row before it is mixed into the row's draw.
static inline uint64_t draw_of_step(uint64_t seed, uint64_t step) {
    return mix64((step ^ fold({seed, DROPOUT})) + GOLDEN);
}
static inline uint32_t draw_of_row(uint64_t of_step, int64_t row) { return uint32_t(mix64(of_step + uint64_t(row))); }

static inline uint32_t draw_of_unit(uint64_t seed, uint64_t layer, uint64_t units, uint64_t unit) {
    return uint32_t(mix64(unit + fold({seed, DROPOUT, layer, units})));
}

}  // namespace backlit
