// Vectors of floats for whichever processor this file is compiled for, and the 16 virtual lanes in which sums along a
// vector are taken, so that their order does not depend on how wide the processor's own vectors are.
#pragma once

#include <cstdint>

#include "layout.hpp"

#if defined(__AVX2__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#else
#error "compile for AVX-512, AVX2 or NEON"
#endif

namespace backlit::BACKLIT_ISA {

#if defined(__AVX512F__)
constexpr int WIDTH = 16;
#elif defined(__AVX2__)
constexpr int WIDTH = 8;
#else
constexpr int WIDTH = 4;
#endif

typedef float V __attribute__((vector_size(4 * WIDTH)));
typedef int32_t I __attribute__((vector_size(4 * WIDTH)));
typedef uint32_t U __attribute__((vector_size(4 * WIDTH)));
typedef float Unaligned __attribute__((vector_size(4 * WIDTH), aligned(4), may_alias));

inline V load(const float* p) { return *reinterpret_cast<const Unaligned*>(p); }
inline void store(float* p, V v) { *reinterpret_cast<Unaligned*>(p) = v; }

// a · b + c, rounded once; a number in every lane; and in how many lanes a mask is set.
#if defined(__AVX512F__)
inline V fma(V a, V b, V c) { return _mm512_fmadd_ps(a, b, c); }
inline V sqrt(V a) { return _mm512_maskz_sqrt_ps(__mmask16(-1), a); }
inline V splat(float x) { return _mm512_set1_ps(x); }
inline int count(I mask) { return __builtin_popcount(_mm512_movepi32_mask(__m512i(mask))); }
#elif defined(__AVX2__)
inline V fma(V a, V b, V c) { return _mm256_fmadd_ps(a, b, c); }
inline V sqrt(V a) { return _mm256_sqrt_ps(a); }
inline V splat(float x) { return _mm256_set1_ps(x); }
inline int count(I mask) { return __builtin_popcount(_mm256_movemask_ps(__m256(mask))); }
#else
inline V fma(V a, V b, V c) { return vfmaq_f32(c, a, b); }
inline V sqrt(V a) { return vsqrtq_f32(a); }
inline V splat(float x) { return vdupq_n_f32(x); }
inline int count(I mask) { return -vaddvq_s32(mask); }
#endif

// Other libraries switch on flushing to zero and leave it so; while this lives, numbers are rounded to nearest, none
// flushed.
class PlainArithmetic {
#if defined(__AVX2__)
    const unsigned before = _mm_getcsr();

   public:
    PlainArithmetic() { _mm_setcsr(0x1f80); }
    ~PlainArithmetic() { _mm_setcsr(before); }
#else
    uint64_t before;

   public:
    PlainArithmetic() {
        asm volatile("mrs %0, fpcr" : "=r"(before));
        asm volatile("msr fpcr, %0" : : "r"(uint64_t(0)));
    }
    ~PlainArithmetic() { asm volatile("msr fpcr, %0" : : "r"(before)); }
#endif
};

// GCC folds a broadcast into every multiplication that uses it, as one load each; this keeps it where it is.
#if defined(__AVX2__)
#define KEEP_IN_REGISTER(a) asm("" : "+v"(a))
#else
#define KEEP_IN_REGISTER(a) asm("" : "+w"(a))
#endif

// A number known to the compiler, handed to a generic lambda.
template <int N>
struct Count {
    static constexpr int value = N;
};

template <class A, class B>
constexpr bool same = false;
template <class A>
constexpr bool same<A, A> = true;

inline V zero() { return V{}; }
inline I minus(I a, I b) { return I(U(a) - U(b)); }  // wraps around
inline I bits(V a) { return reinterpret_cast<I>(a); }
inline V floats(I a) { return reinterpret_cast<V>(a); }
inline V where(I mask, V a, V b) { return mask ? a : b; }
inline V max(V a, V b) { return a > b ? a : b; }
inline V min(V a, V b) { return a < b ? a : b; }
inline V abs(V a) { return floats(bits(a) & 0x7fffffff); }

// 16 virtual lanes; `sum` adds lane i and lane i + 8, then + 4, + 2, + 1.
struct Lanes {
    V part[LANES / WIDTH];
};

inline void store(float* p, const Lanes& x) {
    for (int i = 0; i < LANES / WIDTH; i++) store(p + i * WIDTH, x.part[i]);
}

inline float sum(const Lanes& x) {
    typedef float V4 __attribute__((vector_size(16)));
#if defined(__AVX512F__)
    const V a = x.part[0];
    const auto eight = __builtin_shufflevector(a, a, 0, 1, 2, 3, 4, 5, 6, 7) +
                       __builtin_shufflevector(a, a, 8, 9, 10, 11, 12, 13, 14, 15);
#elif defined(__AVX2__)
    const V eight = x.part[0] + x.part[1];
#endif
#if defined(__AVX2__)
    V4 four = __builtin_shufflevector(eight, eight, 0, 1, 2, 3) + __builtin_shufflevector(eight, eight, 4, 5, 6, 7);
#else
    V4 four = (x.part[0] + x.part[2]) + (x.part[1] + x.part[3]);
#endif
    four += __builtin_shufflevector(four, four, 2, 3, 0, 1);
    return four[0] + four[1];
}

}  // namespace backlit::BACKLIT_ISA
