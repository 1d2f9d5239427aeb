// A training step, whole stretches of it, and prediction. Compiled once for each instruction set.
//
// Threads share the work by outputs, never by the terms of a sum: first each has rows of the batch, feeding them forward
// and carrying the error back; then each has rows of the weights, for their gradient and update. Two meetings a step.
#include "figures.hpp"
#include "layers.hpp"
#include "losses.hpp"
#include "optimizers.hpp"
#include "rng.hpp"

namespace backlit::BACKLIT_ISA {
namespace {

// Rows are used in no order that the processor could foresee; in a large batch it looks ahead far enough by itself.
constexpr int AHEAD = 8;

void prefetch(const Layout& p, int64_t position) {
    for (int i = 0; i < p.d; i += LANES) __builtin_prefetch(p.X + position * p.d + i);
    __builtin_prefetch(p.targets + position * p.loss.targets);
    if (p.fields) __builtin_prefetch(p.codes + position * p.fields);
    if (p.random) __builtin_prefetch(p.rows + position);
}

// Which row of each field the rows of the table use.
void encode(const Layout& p, int64_t from, int64_t to, uint16_t* codes) {
    const PlainArithmetic plain;
    for (int64_t r0 = from; r0 < to; r0 += WIDTH)
        for (int k = 0; k < p.fields; k++) {
            const Field& f = p.field[k];
            const int64_t r1 = r0 + WIDTH < to ? r0 + WIDTH : to;
            if (f.binned) {
                float x[WIDTH] = {};
                for (int64_t r = r0; r < r1; r++) x[r - r0] = p.X[r * p.d + f.source];
                I bin{};
                for (int t = 0; t + 1 < f.count; t++) bin -= load(x) >= splat(f.edges[t]);
                for (int64_t r = r0; r < r1; r++) codes[r * p.fields + k] = uint16_t(bin[r - r0]);
            } else {
                for (int64_t r = r0; r < r1; r++) {
                    int c = 0;
                    while (c < f.count && p.X[r * p.d + f.source + c] == 0) c++;
                    codes[r * p.fields + k] = uint16_t(c);
                }
            }
        }
}

// Rows of the table become rows r0 to r1 of the batch.
template <class Position>
void gather(const Layout& p, int r0, int r1, Position position) {
    const int d = p.d, fields = p.fields;
    const float* const X = p.X;
    for (int k = 0; k < fields; k++) {
        const Field f = p.field[k];
        const uint16_t* const codes = p.codes + k;
        int32_t* const used = p.used + k;
        float* const value = p.value + k;
        for (int64_t b = r0; b < r1; b++) {
            const float* x = X + position(b) * d + f.source;
            const int c = codes[position(b) * fields];
            used[b * fields] = c < f.count ? f.first + c : -1;
            if (f.binned)
                value[b * fields] = float((double(*x) - f.left[c]) / f.width[c]);
            else
                value[b * fields] = c < f.count ? x[c] : 0;
        }
    }
    if (!fields) {
        for (int b = r0; b < r1; b++) {
            const float* x = X + position(b) * d;
            float* Y = p.layer[0].Y + int64_t(b) * p.layer[0].stride;
            int i = 0;
            for (; i + 4 <= d; i += 4) __builtin_memcpy(Y + i, x + i, 16);
            for (; i < d; i++) Y[i] = x[i];
        }
    }
}

void forward(const Layout& p, int r0, int r1) {
    for (int i = 0; i < p.layers; i++) {
        const Layer &l = p.layer[i], &below = p.layer[i - (i > 0)];
        if (l.kind == Kind::dense) forward_dense(p, l, below, r0, r1);
        if (l.kind == Kind::encoded) forward_encoded(p, l, r0, r1);
        if (l.kind == Kind::layer_norm) forward_norm(p, l, below, r0, r1);
        dropout(p, l, r0, r1);
    }
}

// Each row's share of E, and ∂E/∂Z of the last layer.
void loss(const Layout& p, int r0, int r1, int B) {
    const Layer& last = p.layer[p.layers - 1];
    const int k = p.loss.outputs;
    const int64_t stride = p.batch_stride;
    if (!last.narrow)
        for (int64_t b = r0; b < r1; b++)
            for (int j = 0; j < k; j++) p.S[j * stride + b] = last.Y[b * last.stride + j];
    const float share = p.loss.mean ? p.loss.scale / float(B) : p.loss.scale;
    for (int b = r0; b < r1; b += WIDTH) {
        const Rows rows{p.S + b, p.T + b, p.dS + b, stride};
        V e = pick(p.loss.kind, [&](auto kind) { return decltype(kind)::type::terms(p.loss, rows); }, Losses{});
        V weight = p.weights ? load(p.w + b) : splat(1);
        store(p.e + b, where(column(b) < B, weight * e, zero()));
        for (int j = 0; j < k; j++) {
            const int64_t at = j * stride + b;
            store(p.dS + at, load(p.dS + at) * (splat(share) * weight));
        }
    }
    if (!last.narrow)
        for (int64_t b = r0; b < r1; b++)
            for (int j = 0; j < k; j++) last.dY[b * last.stride + j] = p.dS[j * stride + b];
    with_slope(last, [&](auto slope) {
        const int rows = last.narrow ? k : r1, first = last.narrow ? 0 : r0;
        const int n0 = last.narrow ? r0 : 0, n1 = last.narrow ? r1 : last.N;
        for (int64_t m = first; m < rows; m++)
            for (int64_t at = m * last.stride + n0; at < m * last.stride + n1; at += WIDTH)
                store(last.dY + at, slope(at, load(last.dY + at)));
    });
}

void backward(const Layout& p, int r0, int r1) {
    for (int i = p.layers - 1; i > 1; i--) {
        const Layer &l = p.layer[i], &below = p.layer[i - 1];
        if (l.kind == Kind::dense) backward_dense(l, below, r0, r1);
        if (l.kind == Kind::layer_norm) backward_norm(p, l, below, r0, r1);
    }
}

// f(slot, at, N) for each run of N neighbouring weights of an item, as they are kept. It is called in one place, so that
// compilers inline it.
template <class F>
void each_run(const Layout& p, const Item& item, F f) {
    const Layer& l = p.layer[item.layer];
    const int from = item.from, to = item.to;
    for (int s = item.slot; s < item.slot + item.slots; s++) {
        const Slot& slot = l.slot[s];
        const int64_t N = (slot.cols + LANES - 1) / LANES * LANES;
        const int rows = N == slot.stride ? to - from : 1;  // without a gap
        for (int r = from; r < to; r += rows) f(slot, slot.at + int64_t(r) * slot.stride, rows * N);
    }
}

// ∂E/∂ every weight of an item, and its squares.
void gradient(const Layout& p, const Item& item, int index, int B, int* scratch) {
    const Layer &l = p.layer[item.layer], &below = p.layer[item.layer - 1];
    switch (item.what) {
        case Item::weights: gradient_dense(p, l, below, item.from, item.to, B); break;
        case Item::bias: gradient_bias(p, l, B); break;
        case Item::field: gradient_field(p, l, p.field[item.which], item.which, B, scratch); break;
        case Item::scale_and_shift:
            gradient_gamma(p, l, B);
            gradient_bias(p, l, B);
    }
    Lanes squares{};
    each_run(p, item, [&squares, gradient = p.gradient](const Slot&, int64_t at, int64_t N) {
        Lanes sum = squares;
        for (int64_t n = 0; n < N; n += LANES)
            for (int i = 0; i < LANES / WIDTH; i++) {
                V g = load(gradient + at + n + i * WIDTH);
                sum.part[i] = fma(g, g, sum.part[i]);
            }
        squares = sum;
    });
    store(p.gradient_squares + index * LANES, squares);
}

// Every weight of an item, and the squares of the update.
template <class O>
void update(const Layout& p, const Item& item, int index, const O& optimizer, double rate, float shorten) {
    float *const theta = p.theta, *const m = p.memory[0], *const v = p.memory[1];
    const float* const gradient = p.gradient;
    const double weight_decay = p.optimizer.weight_decay;
    Lanes squares{};
    each_run(p, item, [=, &squares](const Slot& slot, int64_t at, int64_t N) {
        const V step = splat(float(rate * slot.rate));
        const V decay = splat(float(rate * slot.rate * weight_decay * slot.decay));
        const O by = optimizer;
        Lanes sum = squares;
        for (int64_t n = at; n < at + N; n += LANES)
            for (int i = 0; i < LANES / WIDTH; i++) {
                const int64_t k = n + i * WIDTH;
                V w = load(theta + k);
                V direction = by.direction(load(gradient + k) * shorten, m + k, v + k);
                V after = fma(-decay, w, fma(-step, direction, w));
                store(theta + k, after);
                sum.part[i] = fma(after - w, after - w, sum.part[i]);
            }
        squares = sum;
    });
    store(p.update_squares + index * LANES, squares);
}

// What is kept beside theta for the next step: Wt, and the prefix sums.
void derive(const Layout& p, const Item& item) {
    const Layer& l = p.layer[item.layer];
    if (item.what == Item::weights && l.Wt && !l.narrow)
        transpose(p.theta + l.slot[WEIGHTS].at, l.slot[WEIGHTS].stride, l.Wt, l.Wt_stride, item.from, item.to, l.d_out);
    if (item.what == Item::field) sum_prefix(p, l, p.field[item.which]);
}

void prepare(const Layout& p) {
    const PlainArithmetic plain;
    for (int i = 0; i < p.items; i++) derive(p, p.item[i]);
}

// The items of one thread: consecutive ones, of about equal cost.
void share(const Layout& p, int thread, int threads, int& first, int& last) {
    double total = 0, before = 0;
    for (int i = 0; i < p.items; i++) total += p.item[i].cost;
    first = last = p.items;
    for (int i = p.items - 1; i >= 0; i--) {
        before += p.item[i].cost;
        const double middle = (total - before + 0.5 * p.item[i].cost) / total * threads;
        if (middle >= thread + 1) last = i;
        if (middle >= thread) first = i;
    }
}

// Rows r0 to r1 of a batch of B, fed forward, and their error carried back; p.draw is there already.
void forth_and_back(const Layout& p, const int64_t* position, int r0, int r1, int B) {
    gather(p, r0, r1, [=](int b) { return position[b]; });
    for (int j = 0; j < p.loss.targets; j++)
        for (int b = r0; b < r1; b++) p.T[int64_t(j) * p.batch_stride + b] = p.targets[position[b] * p.loss.targets + j];
    if (p.weights)
        for (int b = r0; b < r1; b++) p.w[b] = p.weights[position[b]];
    forward(p, r0, r1);
    loss(p, r0, r1, B);
    backward(p, r0, r1);
}

void gradient(const Layout& p, const int64_t* position, const uint32_t* draws, int B) {
    const PlainArithmetic plain;
    if (p.random) __builtin_memcpy(p.draw, draws, B * sizeof *draws);
    forth_and_back(p, position, 0, B, B);
    for (int k = 0; k < p.items; k++) gradient(p, p.item[k], k, B, p.scratch);
}

void train(const Layout& p, const Stretch& s, Team* team, int thread, int threads) {
    const PlainArithmetic plain;
    int first, last;
    share(p, thread, threads, first, last);
    int* scratch = p.scratch + thread * p.scratch_size;
    auto meet = [&] {
        if (threads > 1) backlit::meet(team);
    };
    Powers power;
    for (int i = s.from; i < s.to; i++) {
        const int now = (i - s.from) % Powers::AT_ONCE;
        if (now == 0) power.from(p.optimizer, s.t + i + 1);
        const int64_t used = int64_t(i) * p.batch;
        const int B = s.count - used < p.batch ? int(s.count - used) : p.batch;
        const int blocks = (B + LANES - 1) / LANES;
        const int r0 = blocks * thread / threads * LANES;
        const int r1 = thread + 1 == threads ? B : blocks * (thread + 1) / threads * LANES;

        const uint64_t of_step = !p.random ? 0 : draw_of_step(s.seed, s.step + uint64_t(i));
        const int64_t* position = s.positions + used;
        if (B < AHEAD)
            for (int b = r0; b < r1; b++)
                if (used + b + AHEAD < s.count) prefetch(p, position[b + AHEAD]);
        if (p.random)
            for (int b = r0; b < r1; b++) p.draw[b] = draw_of_row(of_step, p.rows[position[b]]);
        forth_and_back(p, position, r0, r1, B);
        meet();

        if (thread == 0) {
            s.figures.E[i] = error(p, B);
            stuck(p, s.figures, i, B);
        }
        pick(p.optimizer.kind, [&](auto kind) {
            const typename decltype(kind)::type optimizer(p.optimizer, power.first[now], power.second[now]);
            const bool clipped = p.optimizer.clip_norm > 0;
            float shorten = 1;
            if (clipped) {
                for (int k = first; k < last; k++) gradient(p, p.item[k], k, B, scratch);
                meet();
                const double norm = length(p.gradient_squares, 0, p.items);
                if (norm > p.optimizer.clip_norm) shorten = float(p.optimizer.clip_norm / norm);
            }
            for (int k = first; k < last; k++) {
                if (!clipped) gradient(p, p.item[k], k, B, scratch);
                update(p, p.item[k], k, optimizer, s.rates[i], shorten);
                derive(p, p.item[k]);
            }
        }, Optimizers{});
        meet();
        if (thread == 0) lengths(p, s.figures, i);
    }
}

void scores(const Layout& p, int64_t first, int count, float* S) {
    const PlainArithmetic plain;
    gather(p, 0, count, [=](int b) { return first + b; });
    forward(p, 0, count);
    const Layer& last = p.layer[p.layers - 1];
    const int64_t row = last.narrow ? 1 : last.stride, unit = last.narrow ? last.stride : 1;
    for (int b = 0; b < count; b++)
        for (int j = 0; j < p.loss.outputs; j++) S[int64_t(b) * p.loss.outputs + j] = last.Y[b * row + j * unit];
}

// --- The kernel and the functions by themselves, for tests and benchmarks --------------------------------------------

void multiply(const float* A, int64_t A_m, int64_t A_k, const float* B, int64_t B_k, float* C, int64_t C_m, int M, int K, int N) {
    product({A, A_m, A_k, B, B_k, C, C_m, K, N}, 0, M);
}

void apply(int activation, const float* x, float* y, float* slope, int64_t n) {
    with_activation(activation, [&](auto f) {
        for (int64_t i = 0; i < n; i += WIDTH) {
            V a, s;
            decltype(f)::apply(load(x + i), a, s);
            store(y + i, a);
            store(slope + i, s);
        }
    });
}

void elementary(int which, const float* x, float* y, int64_t n) {
    static constexpr V (*functions[])(V) = {exp, expm1, log, log1p, tanh, sigmoid, softplus};
    for (int64_t i = 0; i < n; i += WIDTH) store(y + i, functions[which](load(x + i)));
}

// Fused multiply-adds without a memory access: the most that a product could do.
void multiply_add(int64_t rounds, float* result) {
    V c[12], a = splat(1), b = splat(1e-9f);
#pragma GCC unroll 12
    for (int i = 0; i < 12; i++) c[i] = splat(float(i));
    for (int64_t k = 0; k < rounds; k++)
#pragma GCC unroll 12
        for (int i = 0; i < 12; i++) {
            c[i] = fma(a, c[i], b);
            KEEP_IN_REGISTER(c[i]);
        }
    V total = zero();
#pragma GCC unroll 12
    for (int i = 0; i < 12; i++) total += c[i];
    store(result, total);
}

}  // namespace

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)
const Functions functions{
    TEXT(BACKLIT_ISA), WIDTH, Activations::records, Losses::records, Optimizers::records, encode, train,
    gradient, prepare, scores, multiply, apply, elementary, multiply_add,
};

}  // namespace backlit::BACKLIT_ISA
