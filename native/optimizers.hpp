// How a gradient becomes an update, as in core/optimizers.py: one struct each, the same names, the same order.
//
//     w  <-  w − α · direction − α · weight_decay · w
#pragma once

#include "layout.hpp"
#include "registry.hpp"

namespace backlit::BACKLIT_ISA {

// base^t, base^(t + 1), ... by repeated squaring, as the reference multiplies (a factor of 1 changes nothing).
inline void powers(double base, int64_t t, int count, double* result) {
    for (int i = 0; i < count; i++) result[i] = 1;
    for (int bit = 0; (t + count - 1) >> bit; bit++, base *= base)
        for (int i = 0; i < count; i++) result[i] *= (t + i) >> bit & 1 ? base : 1;
}

// The powers of the first two numbers: of the betas, by which Adam's next steps divide.
struct Powers {
    static constexpr int AT_ONCE = 64;
    double first[AT_ONCE], second[AT_ONCE];
    void from(const Optimizer& o, int64_t t) {
        powers(o.number[0], t, AT_ONCE, first);
        powers(o.number[1], t, AT_ONCE, second);
    }
};

inline V without_tiny(V memory) { return where(abs(memory) >= 1e-30f, memory, zero()); }

struct SGD {
    static constexpr const char* name = "sgd";
    SGD(const Optimizer&, double, double) {}
    V direction(V g, float*, float*) const { return g; }
};

struct Momentum {
    static constexpr const char* name = "momentum";
    static constexpr const char* numbers[] = {"momentum"};
    V mu;
    Momentum(const Optimizer& o, double, double) : mu(splat(float(o.number[0]))) {}
    V direction(V g, float* v, float*) const {
        V after = without_tiny(fma(mu, load(v), g));
        store(v, after);
        return after;
    }
};

struct Nesterov : Momentum {
    static constexpr const char* name = "nesterov";
    using Momentum::Momentum;
    V direction(V g, float* v, float*) const { return fma(mu, Momentum::direction(g, v, nullptr), g); }
};

struct RMSprop {
    static constexpr const char* name = "rmsprop";
    static constexpr const char* numbers[] = {"rho", "epsilon"};
    V rho, rest, epsilon;
    RMSprop(const Optimizer& o, double, double)
        : rho(splat(float(o.number[0]))), rest(splat(float(1 - o.number[0]))), epsilon(splat(float(o.number[1]))) {}
    V direction(V g, float* v, float*) const {
        V after = without_tiny(fma(rho, load(v), rest * (g * g)));
        store(v, after);
        return g / (sqrt(after) + epsilon);
    }
};

struct Adam {
    static constexpr const char* name = "adam";
    static constexpr const char* numbers[] = {"beta1", "beta2", "epsilon"};
    V beta1, rest1, beta2, rest2, correction1, correction2, epsilon;
    Adam(const Optimizer& o, double beta1_t, double beta2_t)
        : beta1(splat(float(o.number[0]))), rest1(splat(float(1 - o.number[0]))), beta2(splat(float(o.number[1]))),
          rest2(splat(float(1 - o.number[1]))), correction1(splat(float(1 / (1 - beta1_t)))),
          correction2(splat(float(1 / (1 - beta2_t)))), epsilon(splat(float(o.number[2]))) {}
    V direction(V g, float* m, float* v) const {
        V m_after = without_tiny(fma(beta1, load(m), rest1 * g));
        V v_after = without_tiny(fma(beta2, load(v), rest2 * (g * g)));
        store(m, m_after);
        store(v, v_after);
        return m_after * correction1 / (sqrt(v_after * correction2) + epsilon);
    }
};

using Optimizers = Registry<SGD, Momentum, Nesterov, RMSprop, Adam>;

}  // namespace backlit::BACKLIT_ISA
