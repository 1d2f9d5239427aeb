// The layers, as in core/layers.py: feed forward and backpropagate side by side, with the same letters.
//
// A layer's dY is ∂E/∂Z by the time it is read: whoever writes it multiplies by D, the slope at Z times the masks.
// `forward` and `backward` work on some rows of the batch, `gradient` on some rows of one slot over the whole batch.
#pragma once

#include "activations.hpp"
#include "layout.hpp"
#include "product.hpp"
#include "rng.hpp"

namespace backlit::BACKLIT_ISA {

inline I column(int n) {
    I index;
    for (int i = 0; i < WIDTH; i++) index[i] = n + i;
    return index;
}

// Σ f(n) over columns 0 to d of a row, in virtual lanes; f gives WIDTH columns from n.
template <class F>
inline float sum_along(int d, F f) {
    Lanes total{};
    for (int n = 0; n < d; n += LANES)
        for (int i = 0; i < LANES / WIDTH; i++) {
            const int at = n + i * WIDTH;
            V x = f(at);
            total.part[i] += at + WIDTH <= d ? x : where(column(at) < d, x, zero());
        }
    return sum(total);
}

// Z[r] = X[r] · w + b for R neighbouring rows.
template <int R>
inline void dots(const float* X, int64_t X_stride, const float* w, int N, float b, float* Z) {
    Lanes total[R]{};
    for (int k = 0; k < N; k += LANES)
#pragma GCC unroll 4
        for (int i = 0; i < LANES / WIDTH; i++)
#pragma GCC unroll 4
            for (int r = 0; r < R; r++) {
                const int at = k + i * WIDTH;
                total[r].part[i] = fma(load(X + r * X_stride + at), load(w + at), total[r].part[i]);
            }
#pragma GCC unroll 4
    for (int r = 0; r < R; r++) Z[r] = sum(total[r]) + b;
}

// A = f(Z) in place, and the slope. (Pointers are copied first: the compiler must assume that a store changes records.)
template <class F>
inline void activate(const Layer& l, int m0, int m1, int n0, int n1) {
    float *const Y = l.Y, *const D = l.D;
    const int64_t stride = l.stride;
    for (int64_t m = m0; m < m1; m++)
        for (int64_t at = m * stride + n0; at < m * stride + n1; at += WIDTH) {
            V A, slope;
            F::apply(load(Y + at), A, slope);
            store(Y + at, A);
            if (D) store(D + at, slope);
        }
}

// What makes ∂E/∂Z of ∂E/∂Y: nothing, the slopes that were kept, or ReLU's, which can be told from Y.
struct NoSlope {
    V operator()(int64_t, V dY) const { return dY; }
};
struct KeptSlope {
    const float* D;
    V operator()(int64_t at, V dY) const { return dY * load(D + at); }
};
struct Gate {
    const float* Y;
    float factor;
    V operator()(int64_t at, V dY) const { return where(load(Y + at) > 0, dY * factor, zero()); }
};

template <class F>
inline void with_slope(const Layer& l, F f) {
    if (l.gate > 0)
        f(Gate{l.Y, l.gate});
    else if (l.D)
        f(KeptSlope{l.D});
    else
        f(NoSlope{});
}

// --- Dropout ---------------------------------------------------------------------------------------------------------

// True (all bits) where a unit of a row is kept.
inline I keep(uint32_t row, const uint32_t* units, uint32_t threshold) {
    typedef uint32_t Units __attribute__((vector_size(4 * WIDTH), aligned(4), may_alias));
    U x = *reinterpret_cast<const Units*>(units) ^ row;
    x *= 0x7FEB352Du;
    x ^= x >> 15;
    x *= 0x846CA68Bu;
    return x >= threshold;
}

// Silence units of Y, and their slopes with them.
inline void dropout(const Layout& p, const Layer& l, int r0, int r1) {
    for (int i = 0; i < l.masks; i++) {
        const Mask mask = l.mask[i];
        float *const Y = l.Y, *const D = l.D;
        for (int b = r0; b < r1; b++) {
            const uint32_t draw = p.draw[b];
            for (int n = 0, N = l.N; n < N; n += WIDTH) {
                const int64_t at = int64_t(b) * l.stride + n;
                V M = where(keep(draw, mask.units + n, mask.threshold), splat(mask.scale), zero());
                store(Y + at, load(Y + at) * M);
                if (D) store(D + at, load(D + at) * M);
            }
        }
    }
}

// --- Dense -----------------------------------------------------------------------------------------------------------

// A narrow last layer has its W, Y, D and dY transposed: Z is a dot product for each row, and rows are neighbours.
inline void forward_narrow(const Layout& p, const Layer& l, const Layer& below, int r0, int r1) {
    for (int j = 0; j < l.d_out; j++) {
        const float *X = below.Y, *w = p.theta + l.slot[WEIGHTS].at + int64_t(j) * l.slot[WEIGHTS].stride, b = p.theta[l.slot[BIAS].at + j];
        float* Z = l.Y + int64_t(j) * l.stride;
        int r = r0;
        for (; r + 4 <= r1; r += 4) dots<4>(X + int64_t(r) * below.stride, below.stride, w, below.N, b, Z + r);
        for (; r < r1; r++) dots<1>(X + int64_t(r) * below.stride, below.stride, w, below.N, b, Z + r);
    }
    with_activation(l.activation, [&](auto f) { activate<decltype(f)>(l, 0, l.d_out, r0, r1); });
}

inline void forward_dense(const Layout& p, const Layer& l, const Layer& below, int r0, int r1) {
    if (l.narrow) return forward_narrow(p, l, below, r0, r1);
    const float *W = p.theta + l.slot[WEIGHTS].at, *b = p.theta + l.slot[BIAS].at;
    const Product Z{below.Y, below.stride, 1, W, l.slot[WEIGHTS].stride, l.Y, l.stride, l.d_in, l.N, b};
    with_activation(l.activation, [&](auto f) {
        using F = decltype(f);
        if constexpr (same<F, Relu>) {
            product(Z, r0, r1, [Y = l.Y, stride = int64_t(l.stride)](int64_t m, int n, V z) {
                V A, slope;
                Relu::apply(z, A, slope);
                store(Y + m * stride + n, A);
            });
        } else {
            product(Z, r0, r1);
            activate<F>(l, r0, r1, 0, l.N);
        }
    });
}

inline void backward_dense(const Layer& l, const Layer& below, int r0, int r1) {
    const int64_t row = l.narrow ? 1 : l.stride, unit = l.narrow ? l.stride : 1;
    const Product dX{l.dY, row, unit, l.Wt, l.Wt_stride, below.dY, below.stride, l.d_out, below.N};
    with_slope(below, [&](auto slope) {
        product(dX, r0, r1, [slope, dY = below.dY, stride = int64_t(below.stride)](int64_t m, int n, V dX) {
            const int64_t at = m * stride + n;
            store(dY + at, slope(at, dX));
        });
    });
}

inline void gradient_dense(const Layout& p, const Layer& l, const Layer& below, int from, int to, int B) {
    float* dW = p.gradient + l.slot[WEIGHTS].at;
    if (l.narrow) {
        product({l.dY, l.stride, 1, below.Y, below.stride, dW, l.slot[WEIGHTS].stride, B, below.N}, from, to);
        for (int j = from; j < to; j++)  // padding of Y is f(0), not 0
            for (int i = l.d_in; i < below.N; i++) dW[int64_t(j) * l.slot[WEIGHTS].stride + i] = 0;
    } else {
        product({below.Y, 1, below.stride, l.dY, l.stride, dW, l.slot[WEIGHTS].stride, B, l.N}, from, to);
    }
}

// Rows `from` to `to` of W into the columns of Wt.
inline void transpose(const float* W, int64_t W_stride, float* Wt, int64_t Wt_stride, int from, int to, int cols) {
    typedef float V4 __attribute__((vector_size(16), aligned(4), may_alias));
    auto row = [&](int i, int j) { return *reinterpret_cast<const V4*>(W + i * W_stride + j); };
    int i = from;
    for (; i + 4 <= to; i += 4)
        for (int j = 0; j < cols; j += 4) {  // W is padded with zeros beyond its columns, and Wt with rows to spare
            V4 a = row(i, j), b = row(i + 1, j), c = row(i + 2, j), d = row(i + 3, j);
            V4 ab0 = __builtin_shufflevector(a, b, 0, 4, 1, 5), ab1 = __builtin_shufflevector(a, b, 2, 6, 3, 7);
            V4 cd0 = __builtin_shufflevector(c, d, 0, 4, 1, 5), cd1 = __builtin_shufflevector(c, d, 2, 6, 3, 7);
            float* to_row = Wt + j * Wt_stride + i;
            *reinterpret_cast<V4*>(to_row) = __builtin_shufflevector(ab0, cd0, 0, 1, 4, 5);
            *reinterpret_cast<V4*>(to_row + Wt_stride) = __builtin_shufflevector(ab0, cd0, 2, 3, 6, 7);
            *reinterpret_cast<V4*>(to_row + 2 * Wt_stride) = __builtin_shufflevector(ab1, cd1, 0, 1, 4, 5);
            *reinterpret_cast<V4*>(to_row + 3 * Wt_stride) = __builtin_shufflevector(ab1, cd1, 2, 3, 6, 7);
        }
    for (; i < to; i++)
        for (int j = 0; j < cols; j++) Wt[j * Wt_stride + i] = W[i * W_stride + j];
}

// db = Σ_b dZ[b]: the product of a row of ones with dZ.
inline void gradient_bias(const Layout& p, const Layer& l, int B) {
    static const float one = 1;
    float* db = p.gradient + l.slot[BIAS].at;
    if (l.narrow)
        for (int j = 0; j < l.d_out; j++)
            db[j] = sum_along(B, [dY = l.dY + int64_t(j) * l.stride](int b) { return load(dY + b); });
    else
        product({&one, 0, 0, l.dY, l.stride, db, 0, B, l.N}, 0, 1);
}

// --- PiecewiseLinear, then Dense -------------------------------------------------------------------------------------
//
// A row's encoding is all ones up to its bin, one fraction, then zeros, so X W is a sum of W's rows up to the bin, looked
// up, plus the fraction of one row.

#if defined(__AVX2__) && !defined(__AVX512F__)
constexpr int ACROSS = 4;  // vectors of a row held in registers at a time
#else
constexpr int ACROSS = 8;
#endif

template <class F>
inline void over_panels(int N, F f) {
    int n = 0;
    for (; n + ACROSS * WIDTH <= N; n += ACROSS * WIDTH) f(Count<ACROSS>{}, n);
    for (; n + 4 * WIDTH <= N; n += 4 * WIDTH) f(Count<4>{}, n);
    for (; n < N; n += WIDTH) f(Count<1>{}, n);
}

inline void forward_encoded(const Layout& p, const Layer& l, int r0, int r1) {
    const float *W = p.theta + l.slot[WEIGHTS].at, *b = p.theta + l.slot[BIAS].at;
    with_activation(l.activation, [&](auto f) {
        over_panels(l.N, [&](auto across, int n) {
            constexpr int P = across.value;
            for (int r = r0; r < r1; r++) {
                V Z[P];
#pragma GCC unroll 8
                for (int i = 0; i < P; i++) Z[i] = load(b + n + i * WIDTH);
                for (int k = 0; k < p.fields; k++) {
                    const int64_t at = int64_t(r) * p.fields + k;
                    if (p.used[at] < 0) continue;
                    const int64_t row = int64_t(p.used[at]) * l.slot[WEIGHTS].stride + n;
                    const V x = splat(p.value[at]);
                    if (p.field[k].binned)
#pragma GCC unroll 8
                        for (int i = 0; i < P; i++)
                            Z[i] = fma(x, load(W + row + i * WIDTH), Z[i] + load(l.prefix + row + i * WIDTH));
                    else
#pragma GCC unroll 8
                        for (int i = 0; i < P; i++) Z[i] = fma(x, load(W + row + i * WIDTH), Z[i]);
                }
#pragma GCC unroll 8
                for (int i = 0; i < P; i++) store(l.Y + int64_t(r) * l.stride + n + i * WIDTH, Z[i]);
                activate<decltype(f)>(l, r, r + 1, n, n + P * WIDTH);
            }
        });
    });
}

// One walk down the bins with the sum of dZ over all rows above in registers.
inline void gradient_field(const Layout& p, const Layer& l, const Field& field, int k, int B, int* scratch) {
    int *end = scratch, *order = scratch + field.count + 1;  // the batch's rows sorted by their row of W
    for (int t = 0; t <= field.count; t++) end[t] = 0;
    auto bin = [&](int b) { return p.used[int64_t(b) * p.fields + k] - field.first; };
    for (int b = 0; b < B; b++)
        if (bin(b) >= 0) end[bin(b) + 1]++;
    for (int t = 0; t < field.count; t++) end[t + 1] += end[t];
    for (int b = 0; b < B; b++)
        if (bin(b) >= 0) order[end[bin(b)]++] = b;

    float* dW = p.gradient + l.slot[WEIGHTS].at + int64_t(field.first) * l.slot[WEIGHTS].stride;
    over_panels(l.N, [&](auto across, int n) {
        constexpr int P = across.value;
        V above[P]{};
        for (int t = field.count - 1; t >= 0; t--) {
            V g[P];
#pragma GCC unroll 8
            for (int i = 0; i < P; i++) g[i] = above[i];
            for (int o = t ? end[t - 1] : 0; o < end[t]; o++) {
                const float* dZ = l.dY + int64_t(order[o]) * l.stride + n;
                const V x = splat(p.value[int64_t(order[o]) * p.fields + k]);
#pragma GCC unroll 8
                for (int i = 0; i < P; i++) {
                    const V z = load(dZ + i * WIDTH);
                    g[i] = fma(x, z, g[i]);
                    if (field.binned) above[i] += z;
                }
            }
#pragma GCC unroll 8
            for (int i = 0; i < P; i++) store(dW + int64_t(t) * l.slot[WEIGHTS].stride + n + i * WIDTH, g[i]);
        }
    });
}

inline void sum_prefix(const Layout& p, const Layer& l, const Field& field) {
    if (!field.binned) return;
    const float* W = p.theta + l.slot[WEIGHTS].at;
    for (int n = 0; n < l.N; n += WIDTH) {
        V below = zero();
        for (int t = 0; t < field.count; t++) {
            const int64_t at = int64_t(field.first + t) * l.slot[WEIGHTS].stride + n;
            store(l.prefix + at, below);
            below += load(W + at);
        }
    }
}

// --- LayerNorm -------------------------------------------------------------------------------------------------------

inline void forward_norm(const Layout& p, const Layer& l, const Layer& below, int r0, int r1) {
    const float *gamma = p.theta + l.slot[GAMMA].at, *beta = p.theta + l.slot[BETA].at;
    const float d = float(l.d_in);
    for (int b = r0; b < r1; b++) {
        const float* X = below.Y + int64_t(b) * below.stride;
        float *N = l.norm + int64_t(b) * l.stride, *Y = l.Y + int64_t(b) * l.stride;
        const V mean = splat(sum_along(l.d_in, [&](int n) { return load(X + n); }) / d);
        const float variance = sum_along(l.d_in, [&](int n) {
            V C = load(X + n) - mean;
            return C * C;
        }) / d;
        const V deviation = sqrt(splat(variance + l.epsilon));
        l.deviation[b] = deviation[0];
        for (int n = 0; n < l.N; n += WIDTH) {
            V normed = where(column(n) < l.d_in, (load(X + n) - mean) / deviation, zero());
            store(N + n, normed);
            store(Y + n, fma(load(gamma + n), normed, load(beta + n)));
            if (l.D) store(l.D + int64_t(b) * l.stride + n, splat(1));
        }
    }
}

// dgamma = Σ_b dY[b] · N[b]
inline void gradient_gamma(const Layout& p, const Layer& l, int B) {
    for (int n = 0; n < l.N; n += WIDTH) {
        V dgamma = zero();
        for (int64_t b = 0; b < B; b++) dgamma = fma(load(l.dY + b * l.stride + n), load(l.norm + b * l.stride + n), dgamma);
        store(p.gradient + l.slot[GAMMA].at + n, dgamma);
    }
}

inline void backward_norm(const Layout& p, const Layer& l, const Layer& below, int r0, int r1) {
    const float* gamma = p.theta + l.slot[GAMMA].at;
    const float d = float(l.d_in);
    with_slope(below, [&](auto slope) {
        for (int b = r0; b < r1; b++) {
            const float *N = l.norm + int64_t(b) * l.stride, *dY = l.dY + int64_t(b) * l.stride;
            auto dN = [=](int n) { return load(dY + n) * load(gamma + n); };
            const V mean = splat(sum_along(l.d_in, dN) / d);
            const V along = splat(sum_along(l.d_in, [&](int n) { return dN(n) * load(N + n); }) / d);
            for (int n = 0; n < below.N; n += WIDTH) {
                V dX = ((dN(n) - mean) - load(N + n) * along) / splat(l.deviation[b]);
                const int64_t at = int64_t(b) * below.stride + n;
                store(below.dY + at, slope(at, where(column(n) < l.d_in, dX, zero())));
            }
        }
    });
}

}  // namespace backlit::BACKLIT_ISA
