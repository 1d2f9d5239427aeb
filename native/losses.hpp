// The error E and its derivative on the raw scores, as in core/losses.py: one struct each, the same names and order.
//
// Scores lie one output after the other, (outputs, rows), so that every operation works on many rows at once.
#pragma once

#include "activations.hpp"
#include "layout.hpp"
#include "registry.hpp"

namespace backlit::BACKLIT_ISA {

// WIDTH rows: S and dS point at their first output, Y at their first target; the next output lies `stride` further.
struct Rows {
    const float *S, *Y;
    float* dS;
    int64_t stride;
};

// Σ_j e(s_j, y_j) of each row; `term(j, s, y, e, d)` gives e and ∂e/∂s of one output.
template <class Term>
inline V each_output(const Loss& loss, Rows r, Term term) {
    V total = zero();
    for (int j = 0; j < loss.outputs; j++) {
        V e, d;
        term(j, load(r.S + j * r.stride), load(r.Y + (loss.targets > 1 ? j : 0) * r.stride), e, d);
        store(r.dS + j * r.stride, d);
        total += e;
    }
    return total;
}

inline V sign(V d) { return where(d > 0, splat(1), where(d < 0, splat(-1), d)); }

struct SquaredError {
    static constexpr const char* name = "squared_error";
    static V terms(const Loss& loss, Rows r) {
        return each_output(loss, r, [](int, V s, V y, V& e, V& d) {
            V difference = s - y;
            e = difference * difference;
            d = difference + difference;
        });
    }
};

struct AbsoluteError {
    static constexpr const char* name = "absolute_error";
    static V terms(const Loss& loss, Rows r) {
        return each_output(loss, r, [](int, V s, V y, V& e, V& d) {
            e = abs(s - y);
            d = sign(s - y);
        });
    }
};

struct Huber {
    static constexpr const char* name = "huber";
    static constexpr const char* numbers[] = {"delta"};
    static V terms(const Loss& loss, Rows r) {
        return each_output(loss, r, [&](int, V s, V y, V& e, V& d) {
            V difference = s - y, delta = splat(float(loss.number[0]));
            d = where(difference > delta, delta, where(difference < -delta, -delta, difference));
            e = d * (difference - 0.5f * d);
        });
    }
};

struct Poisson {
    static constexpr const char* name = "poisson";
    static V terms(const Loss& loss, Rows r) {
        return each_output(loss, r, [](int, V s, V y, V& e, V& d) {
            V rate = exp(s);
            e = rate - y * s;
            d = rate - y;
        });
    }
};

struct Quantile {
    static constexpr const char* name = "quantile";
    static V terms(const Loss& loss, Rows r) {
        return each_output(loss, r, [&](int j, V s, V y, V& e, V& d) {
            d = splat(0.5f - loss.levels[j]) + 0.5f * sign(s - y);
            e = d * (s - y);
        });
    }
};

struct BinaryCrossEntropy {
    static constexpr const char* name = "binary_cross_entropy";
    static constexpr const char* numbers[] = {"label_smoothing"};
    static V terms(const Loss& loss, Rows r) {
        const float smoothing = float(loss.number[0]);
        return each_output(loss, r, [&](int, V s, V y, V& e, V& d) {
            V q = (1 - smoothing) * y + 0.5f * smoothing;
            e = softplus(s) - q * s;
            d = sigmoid(s) - q;
        });
    }
};

struct CrossEntropy {
    static constexpr const char* name = "cross_entropy";
    static constexpr const char* numbers[] = {"label_smoothing"};
    static V terms(const Loss& loss, Rows r) {
        V most = load(r.S), total = zero(), label = load(r.Y);
        for (int j = 1; j < loss.outputs; j++) most = max(load(r.S + j * r.stride), most);
        for (int j = 0; j < loss.outputs; j++) total += exp(load(r.S + j * r.stride) - most);
        V log_total = log(total);
        const float smoothing = float(loss.number[0]), rest = smoothing / float(loss.outputs);
        return each_output(loss, r, [&](int j, V s, V, V& e, V& d) {
            V log_p = (s - most) - log_total;
            V q = where(label == splat(float(j)), splat(1 - smoothing + rest), splat(rest));
            e = -q * log_p;
            d = exp(log_p) - q;
        });
    }
};

using Losses = Registry<SquaredError, AbsoluteError, Huber, Poisson, Quantile, BinaryCrossEntropy, CrossEntropy>;

}  // namespace backlit::BACKLIT_ISA
