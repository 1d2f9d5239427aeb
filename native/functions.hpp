// exp, log and their kin on vectors: fixed sequences of IEEE operations, so the same bits on every processor. The
// reductions are those of Moshier's Cephes library; the polynomials are minimax (Remez) fits of our own, evaluated in
// pairs (Estrin) to keep the chain of operations short. Errors over all floats against double, at most, in ulp: exp and
// log 1.1, tanh 1.4, expm1 1.7, log1p 1.8, softplus 2.1, sigmoid 2.5.
//
// NaN stays NaN: a comparison with NaN is false, so max(c, x) and min(c, x) with the constant first give x.
#pragma once

#include "simd.hpp"

namespace backlit::BACKLIT_ISA {

constexpr float INFINITE = __builtin_inff();

// x = n ln 2 + r with |r| <= ln 2 / 2: p = e^r - 1 and s = 2^(n + RAISED), where n + RAISED must lie in -126 .. 127.
// `low` is what a longer x has beyond x.
struct Power {
    V p, s;
};

template <int RAISED, class... Low>
Power power(V x, Low... low) {
    // Added to x / ln 2, the shift leaves the rounded n, and what an exponent is raised by, in the low bits.
    const V shift = splat(0x1.8p23f + 127 + RAISED);
    V t = fma(x, splat(1.442695f), shift);
    V n = t - shift;
    V r = (fma(n, splat(-0.6931472f), x) + ... + low);
    r = fma(n, splat(1.9046542e-9f), r);
    // (e^r - 1 - r) / r²; relative error of p 2^-25.8
    V r2 = r * r;
    V q = fma(r, splat(0.0083665475f), splat(0.0416672f));
    q = fma(r2, splat(0.0013882517f), q);
    q = fma(r2, q, fma(r, splat(0.16666543f), splat(0.49999997f)));
    return {fma(r2, q, r), floats(bits(t) << 23)};
}

// e^x. The power of two is taken in two factors, 2^(n - 64) and 2^64 above 0, else 2^(n + 64) and 2^-64, so that it
// overflows to inf and underflows gradually.
inline V exp(V x) {
    x = min(splat(89.0f), max(splat(-104.0f), x));
    auto [p, s] = power<64>(x);
    I above = x > 0.0f;
    s = floats(minus(bits(s), above & (128 << 23)));
    return (p + 1.0f) * s * where(above, splat(0x1p64f), splat(0x1p-64f));
}

// The same for x <= 40, in fewer operations.
inline V exp_low(V x) {
    auto [p, s] = power<64>(max(splat(-104.0f), x));
    return (p + 1.0f) * s * 0x1p-64f;
}

// e^x - 1 = 2^n p + (2^n - 1), halved until the end as 2^128 is no float.
inline V expm1(V x) {
    auto [p, s] = power<-1>(min(splat(89.0f), max(splat(-18.0f), x)));
    return 2.0f * fma(s, p, s - 0.5f);
}

// log(1 + f) + n ln 2 for |f| <= 1/3.
inline V log_sum(V f, V n) {
    // (log(1 + f) - f) / f²; relative error of the logarithm 2^-27.4
    V f2 = f * f, f4 = f2 * f2;
    V high = fma(f, splat(0.1398443f), splat(-0.12184269f));
    high = fma(f4, splat(-0.12891647f), fma(f2, high, fma(f, splat(0.14005871f), splat(-0.16680487f))));
    V low = fma(f2, fma(f, splat(0.20010406f), splat(-0.24999797f)), fma(f, splat(0.33333215f), splat(-0.5f)));
    V q = fma(f4, high, low);
    return fma(n, splat(0.6931472f), f + fma(f2, q, n * -1.9046542e-9f));
}

// x = 2^k (1 + f) with 1 + f in [2/3, 4/3).
inline V log(V x) {
    I tiny = x < 0x1p-126f;
    I y = bits(where(tiny, x * 0x1p23f, x));
    I k = minus(y, bits(splat(2.0f / 3))) >> 23;
    V f = floats(minus(y, k << 23)) - 1.0f;
    V l = log_sum(f, __builtin_convertvector(k - (tiny & 23), V));
    l = where(x < INFINITE, l, x);
    return where(x > 0.0f, l, where(x == 0.0f, splat(-INFINITE), splat(__builtin_nanf(""))));
}

// log(1 + x), valid only for 0 <= x <= 1, as of e^-|z|; from 1/3 on as log((1 + x) / 2) + ln 2.
inline V log1p(V x) {
    I above = x > 1.0f / 3;
    return log_sum(where(above, fma(x, splat(0.5f), splat(-0.5f)), x), where(above, splat(1.0f), zero()));
}

// x + x³ q(x²) up to 0.55, then 1 - 2 / (e^2|x| + 1) with the sign of x; it rounds to 1 from 9.02 on.
inline V tanh(V x) {
    V x2 = x * x;
    // (tanh(x) - x) / x³; relative error of tanh 2^-24.6
    V q = fma(x2, splat(0.01643758f), splat(-0.052671812f));
    q = fma(x2, fma(x2, q, splat(0.13320725f)), splat(-0.33332947f));
    auto [p, s] = power<0>(min(splat(20.0f), abs(x + x)));
    V far = 1.0f - 2.0f / fma(s, p, s + 1.0f);
    return where(abs(x) < 0.55f, fma(x * x2, q, x), floats(bits(far) | (bits(x) & ~0x7fffffff)));
}

// p = 1 / (1 + e^-x) and q = 1 - p, both without overflow or cancellation, from e = e^-|x|.
struct Logistic {
    V p, q;
};

inline Logistic logistic(V x, V e) {
    I left = x < 0.0f;
    V p = where(left, e, splat(1.0f)) / (e + 1.0f);
    return {p, where(left, 1.0f - p, e * p)};
}

inline V sigmoid(V x) { return logistic(x, exp_low(-abs(x))).p; }

inline V softplus(V x) { return max(zero(), x) + log1p(exp_low(-abs(x))); }

}  // namespace backlit::BACKLIT_ISA
