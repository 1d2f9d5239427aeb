// The functions that a layer applies to its dot products, each with its slope: they mirror backlit/core/activations.py,
// in its order. To add one, write its struct and add it to the registry at the end.
//
// Errors over all floats against double: of a slope at most 2.3e-7; of a value 4 ulp while above 1e-36, except for gelu
// left of -1, where the rounding of its exponent u adds up to 2.5 |u| ulp, at most 5.1e-8 in all.
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

// Hendrycks & Gimpel, "Gaussian Error Linear Units" (2016), the tanh form; with (1 + tanh u) / 2 = sigmoid(2u) the
// left tail keeps its digits.
struct Gelu {
    static constexpr const char* name = "gelu";
    static void apply(V z, V& a, V& slope) {
        constexpr double rate = 1.5957691216057308, cube = 0.044715;  // 2 √(2/π)
        V s = z * z;
        V u = z * fma(s, splat(rate * cube), splat(rate));
        auto [p, q] = logistic(u, exp_low(-abs(u)));
        a = z * p;
        slope = p + a * q * fma(s, splat(3 * rate * cube), splat(rate));
    }
};

struct Silu {
    static constexpr const char* name = "silu";
    static void apply(V z, V& a, V& slope) {
        auto [p, q] = logistic(z, exp_low(-abs(z)));
        a = z * p;
        slope = p + a * q;
    }
};

// With e = e^z and n = e (e + 2), t = tanh(softplus(z)) = n / (n + 2) and u = 1 - t = 2 / (n + 2), of which the lesser
// is divided out; the slope of t is e (e + 1) u².
struct Mish {
    static constexpr const char* name = "mish";
    static void apply(V z, V& a, V& slope) {
        V y = min(splat(20.0f), z);  // from there on t rounds to 1
        V e = exp_low(y);
        V n = fma(e, e, e + e);
        I left = z < 0.0f;
        V less = where(left, n, splat(2.0f)) / (n + 2.0f), more = 1.0f - less;
        V t = where(left, less, more), u = where(left, more, less);
        a = z * t;
        slope = fma(y * (e * u), (e + 1.0f) * u, t);
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

inline constexpr const auto& ACTIVATION_NAMES = Activations::names;

// f(Relu{}) for the place of "relu" in the registry, and so on.
template <class F>
inline decltype(auto) with_activation(int which, F&& f) {
    return pick(which, [&](auto kind) -> decltype(auto) { return f(typename decltype(kind)::type{}); }, Activations{});
}

}  // namespace backlit::BACKLIT_ISA
