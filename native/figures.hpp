// What is told of every step, as in engines/protocol.py. Each number is one sum in one order, whoever takes it.
#pragma once

#include "layers.hpp"

namespace backlit::BACKLIT_ISA {

constexpr float STUCK = 0.01f;  // as in engines/protocol.py

inline double error(const Layout& p, int B) {
    const float total = sum_along(B, [&](int b) { return load(p.e + b); });
    return p.loss.mean ? double(total) * p.loss.scale / B : double(total) * p.loss.scale;
}

// The length of the vector whose squares items `first` to `last` have summed.
inline double length(const float* squares, int first, int last) {
    Lanes total{};
    for (int k = first; k < last; k++)
        for (int i = 0; i < LANES / WIDTH; i++) total.part[i] += load(squares + k * LANES + i * WIDTH);
    return __builtin_sqrt(double(sum(total)));
}

// Every NaN as the same one: which one a sum yields differs from processor to processor.
inline double same_nan(double x) { return x == x ? x : __builtin_nan(""); }

inline void lengths(const Layout& p, const Figures& figures, int step) {
    figures.gradient_norm[step] = length(p.gradient_squares, 0, p.items);
    figures.update_norm[step] = same_nan(length(p.update_squares, 0, p.items));
    double* of_layer = figures.layer_gradient_norm + int64_t(step) * (p.layers - 1);
    for (int first = 0, last = 0; first < p.items; first = last) {
        while (last < p.items && p.item[last].layer == p.item[first].layer) last++;
        *of_layer++ = same_nan(length(p.gradient_squares, first, last));
    }
}

// The share of a layer's units that pass no error back in any row of the batch. Most do in one of the first 8 rows.
inline double stuck(const Layer& l, int B) {
    if (l.activation == 0) return 0;  // identity: if there is a D, it holds masks alone
    int passing = 0;
    with_slope(l, [&](auto slope) {
        auto passes = [&](int64_t at) { return abs(slope(at, splat(1))) >= STUCK; };
        const int64_t stride = l.stride;
        if (l.narrow)
            for (int64_t j = 0; j < l.d_out; j++) {
                int rows = 0;
                for (int b = 0; b < B && rows == 0; b += WIDTH) rows = count(passes(j * stride + b) & (column(b) < B));
                passing += rows > 0;
            }
        else
            for (int n = 0; n < l.d_out; n += WIDTH) {
                const I real = column(n) < l.d_out;
                I units{};
                for (int b = 0; b < B && count(units & real) < count(real);)
                    for (const int next = b + 8 < B ? b + 8 : B; b < next; b++) units |= passes(b * stride + n);
                passing += count(units & real);
            }
    });
    return double(l.d_out - passing) / l.d_out;
}

inline void stuck(const Layout& p, const Figures& figures, int step, int B) {
    double* of_layer = figures.stuck + int64_t(step) * (p.layers - 1);
    for (int i = 1; i < p.layers; i++) of_layer[i - 1] = stuck(p.layer[i], B);
}

}  // namespace backlit::BACKLIT_ISA
