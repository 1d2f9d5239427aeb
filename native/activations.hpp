// The functions that a layer applies to its dot products, each with its slope: they mirror backlit/core/activations.py,
// in its order. To add one, write its struct and add it to the registry at the end.
//
// Errors over all floats against double: of a value at most 3 ulp, subnormal ones included; of a slope at most 1.4e-7.
#pragma once

#include "functions.hpp"
#include "registry.hpp"

namespace backlit::BACKLIT_ISA {

struct Identity {
    static constexpr const char* name = "identity";
    static void apply(V z, V& a, V& slope) {
        a = z;
        slope = splat(1.0f);
    }
};

struct Relu {
    static constexpr const char* name = "relu";
    static void apply(V z, V& a, V& slope) {
        a = max(zero(), z);
        slope = where(z > 0.0f, splat(1.0f), zero());
    }
};

struct LeakyRelu {
    static constexpr const char* name = "leaky_relu";
    static void apply(V z, V& a, V& slope) {
        slope = where(z > 0.0f, splat(1.0f), splat(0.01f));
        a = slope * z;
    }
};

struct Elu {
    static constexpr const char* name = "elu";
    static void apply(V z, V& a, V& slope) {
        V m = expm1(min(zero(), z));
        a = where(z > 0.0f, z, m);
        slope = m + 1.0f;
    }
};

// Klambauer et al., "Self-Normalizing Neural Networks" (2017), eq. 2
struct Selu {
    static constexpr const char* name = "selu";
    static void apply(V z, V& a, V& slope) {
        constexpr double scale = 1.0507009873554805, alpha = 1.6732632423543772;
        const V positive = splat(scale), negative = splat(scale * alpha);
        V m = expm1(min(zero(), z));
        a = where(z > 0.0f, positive * z, negative * m);
        slope = where(z > 0.0f, positive, fma(negative, m, negative));
    }
};

// a = z sigmoid(u) of an odd u(z), from y = -|z| and u(y) = x + low: with g the value and m the slope at y, those at -y
// are g - y and 1 - m. The product y e^u is rounded after the scaling by 2^n, so that its digits outlive those of e^u.
template <class... Low>
void times_sigmoid(V z, V& a, V& slope, V y, V rate, V x, Low... low) {
    auto [p, s] = power<64>(x, low...);
    V e = (p + 1.0f) * s * 0x1p-64f, d = e + 1.0f;
    V g = fma(p, y, y) * s * 0x1p-64f / d, m = fma(g, rate, e) / d;
    a = max(zero(), z) + g;
    slope = where(z < 0.0f, m, 1.0f - m);
}

// Hendrycks & Gimpel, "Gaussian Error Linear Units" (2016), the tanh form; with (1 + tanh u) / 2 = sigmoid(2u) the
// left tail keeps its digits. The error of u is the relative one of e^u, so u = y c, c = A + B y², is taken in two
// floats. A's first has 21 bits, which makes A - c exact. Value within 2.9 ulp.
struct Gelu {
    static constexpr const char* name = "gelu";
    static void apply(V z, V& a, V& slope) {
        constexpr double rate = 1.5957691216057308, cube = rate * 0.044715;  // 2 √(2/π)
        constexpr float A = 1673285 * 0x1p-20f, B = cube;
        V y = max(splat(-11.0f), -abs(z));  // from there on the left tail rounds to 0
        V s = y * y, c = fma(s, splat(B), splat(A)), u = y * c;
        V low = fma(s, splat(cube - B), splat(rate - A)) + fma(s, splat(B), A - c);
        low = fma(fma(y, y, -s), splat(B), low);
        times_sigmoid(z, a, slope, y, fma(s, splat(3 * cube), splat(rate)), u, fma(y, low, fma(y, c, -u)));
    }
};

// Value within 2.7 ulp.
struct Silu {
    static constexpr const char* name = "silu";
    static void apply(V z, V& a, V& slope) {
        V y = max(splat(-109.0f), -abs(z));  // from there on the left tail rounds to 0
        times_sigmoid(z, a, slope, y, splat(1.0f), y);
    }
};

// With e = e^z and r = 1 / (1 + e + e²/2), t = tanh(softplus(z)) is 1 - r and also e (1 - k), k = e/2 (1 + e) r; its
// slope is e (1 + e) r². The second keeps the digits of the left tail; that z e is rounded as in `times_sigmoid`. Value within
// 2.7 ulp.
struct Mish {
    static constexpr const char* name = "mish";
    static void apply(V z, V& a, V& slope) {
        V y = min(splat(20.0f), max(splat(-109.0f), z));  // from there on a rounds to z or 0
        auto [p, s] = power<64>(y);
        V e = (p + 1.0f) * s * 0x1p-64f, v = fma(p, y, y) * s * 0x1p-64f;
        V h = 0.5f * e, r = 1.0f / (fma(e, h, e) + 1.0f), m = (e + 1.0f) * r;
        I left = z < -0.25f;
        V k = where(left, h * m, r);
        a = fma(-where(left, v, y), k, where(left, v, z));
        slope = fma(y * (e * r), m, where(left, e, splat(1.0f)) * (1.0f - k));
    }
};

struct Tanh {
    static constexpr const char* name = "tanh";
    static void apply(V z, V& a, V& slope) {
        a = tanh(z);
        slope = 1.0f - a * a;
    }
};

struct Sigmoid {
    static constexpr const char* name = "sigmoid";
    static void apply(V z, V& a, V& slope) {
        auto [p, q] = logistic(z, exp_low(-abs(z)));
        a = p;
        slope = p * q;
    }
};

struct Softplus {
    static constexpr const char* name = "softplus";
    static void apply(V z, V& a, V& slope) {
        V e = exp_low(-abs(z));
        a = max(zero(), z) + log1p(e);
        slope = logistic(z, e).p;
    }
};

using Activations = Registry<Identity, Relu, LeakyRelu, Elu, Selu, Gelu, Silu, Mish, Tanh, Sigmoid, Softplus>;

// f(Relu{}) for the place of "relu" in the registry, and so on.
template <class F>
inline decltype(auto) with_activation(int which, F&& f) {
    return pick(which, [&](auto kind) -> decltype(auto) { return f(typename decltype(kind)::type{}); }, Activations{});
}

}  // namespace backlit::BACKLIT_ISA
