// The one kernel behind the three products of a dense layer, and the small helpers around it.
//
//     Z  = X W + b       dX = dZ Wᵀ       dW = Xᵀ dZ
//
// Each element of C is one sum over k in increasing order, kept in a register: tiles, chunks and threads never change it.
#pragma once

#include "simd.hpp"

namespace backlit::BACKLIT_ISA {

// C[m, n] = start + Σ_k A[m, k] · B[k, n]. A's elements are broadcast and lie anywhere; B and C are rows of vectors.
struct Product {
    const float* A;
    int64_t A_m, A_k;
    const float* B;
    int64_t B_k;
    float* C;
    int64_t C_m;
    int K, N;                      // N in floats, a multiple of LANES
    const float* start = nullptr;  // one row that every row of C starts from; none: 0
};

constexpr int K_CHUNK = 128;  // a chunk of B, 4 vectors wide, stays in the first-level cache

// The rows of a tile that is N vectors wide: as many accumulators as leave registers for B and the broadcast.
#if defined(__AVX512F__) || defined(__ARM_NEON)
constexpr int WIDEST = 4;
constexpr int TILE_ROWS[] = {0, 12, 12, 8, 6};
#else
constexpr int WIDEST = 3;
constexpr int TILE_ROWS[] = {0, 8, 6, 4};
#endif

// What becomes of an element once it is complete: `finish(m, n, c)` has rows m and columns n to n + WIDTH of C.
struct Store {
    float* C;
    int64_t C_m;
    void operator()(int64_t m, int n, V c) const { store(C + m * C_m + n, c); }
};

template <int M, int N, class Finish>
[[gnu::noinline]] void tile(const Product& p, int m, int n, int k0, int k1, const Finish& finish) {
    V C[M][N];
#pragma GCC unroll 12
    for (int i = 0; i < M; i++)
#pragma GCC unroll 8
        for (int j = 0; j < N; j++) {
            const float* from = k0 > 0 ? p.C + (m + i) * p.C_m : p.start;
            C[i][j] = from ? load(from + n + j * WIDTH) : zero();
        }
    const float* A = p.A + m * p.A_m + k0 * p.A_k;
    const float* B = p.B + k0 * p.B_k + n;
    for (int k = k0; k < k1; k++, A += p.A_k, B += p.B_k) {
        V b[N];
#pragma GCC unroll 8
        for (int j = 0; j < N; j++) b[j] = load(B + j * WIDTH);
#pragma GCC unroll 12
        for (int i = 0; i < M; i++) {
            V a = splat(A[i * p.A_m]);
            KEEP_IN_REGISTER(a);
#pragma GCC unroll 8
            for (int j = 0; j < N; j++) C[i][j] = fma(a, b[j], C[i][j]);
        }
    }
    const Finish last = finish;  // a copy that no store can change
#pragma GCC unroll 12
    for (int i = 0; i < M; i++)
#pragma GCC unroll 8
        for (int j = 0; j < N; j++) last(m + i, n + j * WIDTH, C[i][j]);
}

// A tile of any height up to M.
template <int M, int N, class Finish>
inline void tile_of(int rows, const Product& p, int m, int n, int k0, int k1, const Finish& finish) {
    if (M == 1 || rows == 1) return tile<1, N>(p, m, n, k0, k1, finish);
    if constexpr (M > 1) {
        if (rows < M) return tile_of<M - 1, N>(rows, p, m, n, k0, k1, finish);
        tile<M, N>(p, m, n, k0, k1, finish);
    }
}

template <int N, class Finish>
inline void panel(const Product& p, int m0, int m1, int n, int k0, int k1, const Finish& finish) {
    constexpr int M = TILE_ROWS[N];
    int m = m0;
    for (; m + M <= m1; m += M) tile<M, N>(p, m, n, k0, k1, finish);
    if (m < m1) tile_of<M - 1, N>(m1 - m, p, m, n, k0, k1, finish);
}

template <class Finish>
inline void chunk(const Product& p, int m0, int m1, int k0, int k1, const Finish& finish) {
    int n = 0;
    if (m1 - m0 == 1)  // a single row keeps enough sums going only if it is wide
        for (; n + 8 * WIDTH <= p.N; n += 8 * WIDTH) tile<1, 8>(p, m0, n, k0, k1, finish);
    while (n < p.N) {
        const int left = (p.N - n) / WIDTH;
        const int wide = left == WIDEST + 1 ? WIDEST - 1 : left < WIDEST ? left : WIDEST;  // not a lone last vector
        if (wide == 4)
            panel<WIDEST>(p, m0, m1, n, k0, k1, finish);
        else if (wide == 3)
            panel<3>(p, m0, m1, n, k0, k1, finish);
        else if (wide == 2)
            panel<2>(p, m0, m1, n, k0, k1, finish);
        else
            panel<1>(p, m0, m1, n, k0, k1, finish);
        n += wide * WIDTH;
    }
}

// Rows m0 to m1 of C.
template <class Finish>
void product(const Product& p, int m0, int m1, const Finish& finish) {
    int k0 = 0;
    for (; p.K - k0 > K_CHUNK; k0 += K_CHUNK) chunk(p, m0, m1, k0, k0 + K_CHUNK, Store{p.C, p.C_m});
    chunk(p, m0, m1, k0, p.K, finish);
}

inline void product(const Product& p, int m0, int m1) { product(p, m0, m1, Store{p.C, p.C_m}); }

}  // namespace backlit::BACKLIT_ISA
