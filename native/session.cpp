#include "session.hpp"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <limits>
#include <system_error>
#if !defined(_WIN32)
#include <unistd.h>
#endif

#include "rng.hpp"

namespace backlit {
namespace {

constexpr int NARROW = 4;       // fewer outputs than these: W is kept transposed, and Z is a dot product
constexpr int ROWS_AN_ITEM = 24;  // whole tiles on every processor
constexpr int ENCODED_AT_ONCE = 4096;  // rows, for prediction
constexpr double WORTH_SHARING = 5e5;  // multiplications a step below which threads are not even tried

constexpr std::align_val_t ALIGNED{4 * LANES};

int64_t process() {
#if defined(_WIN32)
    return 0;
#else
    return getpid();
#endif
}

}  // namespace

void Session::Free::operator()(float* p) const { ::operator delete(p, ALIGNED); }

const std::vector<const Functions*>& instruction_sets() {
    static const std::vector<const Functions*> found = [] {
        std::vector<const Functions*> sets;
#if defined(__x86_64__) || defined(_M_X64)
        const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
        if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
            __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
            sets.push_back(&v4::functions);
        if (avx2) sets.push_back(&v3::functions);
#else
        sets.push_back(&arm64::functions);
#endif
        return sets;
    }();
    return found;
}

Session::Session(const Functions& functions, const std::vector<LayerSpec>& specs, const Loss& loss,
                 const std::vector<float>& levels_, const Optimizer& optimizer, const Table& table, int batch,
                 bool training, int threads)
    : functions(functions), levels(levels_), threads(threads) {
    plan.loss = loss;
    plan.loss.levels = levels.data();
    plan.optimizer = optimizer;
    plan.X = table.X, plan.targets = table.targets, plan.weights = table.weights, plan.rows = table.rows;
    plan.n = table.n, plan.d = table.d;
    plan.batch = batch;
    plan.batch_stride = int(lines(batch));

    layers.reserve(specs.size() + 1);  // `want` keeps the addresses of their pointers
    layers.push_back({});
    Layer& input = layers.back();
    input.kind = Kind::input;
    input.d_out = table.d;
    const bool encoded = specs[0].kind == "piecewise_linear";
    std::vector<std::vector<double>> edges;
    if (!encoded) {
        input.N = int(lines(input.d_out));
        input.stride = stride_of(input.d_out);
        want(input.Y, int64_t(batch) * input.stride);
    }
    for (const LayerSpec& spec : specs) {
        if (spec.kind == "piecewise_linear") {
            edges = spec.edges;
        } else if (spec.kind == "dropout") {
            Layer& below = layers.back();
            units.push_back({int(layers.size()) - 1, below.masks, spec.position, below.d_out});
            below.mask[below.masks++] = {spec.threshold, spec.scale, nullptr};
            below.gate *= spec.scale;
            plan.random |= training;
            if (training && layers.size() > 1 && below.activation == 0 && below.masks == 1) want(below.D, int64_t(batch) * below.stride);
        } else if (spec.kind == "layer_norm") {
            layers.push_back({});
            Layer& l = layers.back();
            l.kind = Kind::layer_norm;
            l.d_in = l.d_out = spec.d_in;
            l.epsilon = spec.epsilon;
            l.w = slot(spec, 0, 1, l.d_out, false);
            l.b = slot(spec, 1, 1, l.d_out, false);
            want_activations(l, training);
            want(l.norm, int64_t(batch) * l.stride);
            want(l.deviation, lines(batch));
        } else {
            add_dense(spec, edges, &spec == &specs.back(), training);
            edges.clear();
        }
    }
    plan.layer = layers.data();
    plan.layers = int(layers.size());
    if (!training)
        for (Layer& l : layers) l.masks = 0;
    plan.field = fields.data();
    plan.fields = int(fields.size());
    add_items();
    plan.item = items.data();
    plan.items = int(items.size());

    int most_bins = 0;
    for (const Field& f : fields) most_bins = std::max(most_bins, f.count);
    plan.scratch_size = int(lines(most_bins + 1 + batch));
    float *used = nullptr, *draw = nullptr, *scratch = nullptr;  // whole numbers of the same size
    want(plan.theta, plan.size);
    want(used, int64_t(batch) * plan.fields);
    want(plan.value, int64_t(batch) * plan.fields);
    if (training) {
        want(plan.gradient, plan.size);
        want(plan.memory[0], plan.size);
        want(plan.memory[1], plan.size);
        if (!layers.back().narrow) {
            want(plan.S, int64_t(loss.outputs) * plan.batch_stride);
            want(plan.dS, int64_t(loss.outputs) * plan.batch_stride);
        }
        want(plan.T, int64_t(loss.targets) * plan.batch_stride);
        want(plan.e, plan.batch_stride);
        want(plan.w, plan.batch_stride);
        want(plan.squares, int64_t(items.size()) * LANES);
        want(draw, batch);
        want(scratch, int64_t(plan.scratch_size) * threads);
    }
    for (auto& [place, floats] : wanted) arena_size += LANES * (lines(floats) / LANES | 1);
    arena.reset(static_cast<float*>(::operator new(4 * arena_size, ALIGNED)));
    std::fill_n(arena.get(), arena_size, 0.0f);
    float* next = arena.get();
    for (auto& [place, floats] : wanted) {
        *place = next;
        next += LANES * (lines(floats) / LANES | 1);
    }
    if (layers.back().narrow) plan.S = layers.back().Y, plan.dS = layers.back().dY;
    plan.used = reinterpret_cast<int32_t*>(used);
    plan.draw = reinterpret_cast<uint32_t*>(draw);
    plan.scratch = reinterpret_cast<int*>(scratch);
    for (Layer& l : layers)
        if (l.narrow) l.Wt = plan.theta + l.w.at, l.Wt_stride = l.w.stride;

    if (training && plan.fields) {
        codes.resize(size_t(plan.n) * plan.fields);
        functions.encode(plan, 0, plan.n, codes.data());
        plan.codes = codes.data();
    }
}

Session::~Session() {
    if (team_process != process()) (void)team.release();
}

void Session::want(float*& place, int64_t floats) { wanted.emplace_back(&place, floats); }

void Session::want_activations(Layer& l, bool training) {
    l.N = int(lines(l.d_out));
    l.stride = l.narrow ? plan.batch_stride : stride_of(l.d_out);
    want(l.Y, floats_of(l));
    if (training) want(l.dY, floats_of(l));
}

int64_t Session::floats_of(const Layer& l) const { return int64_t(l.narrow ? l.d_out : plan.batch) * l.stride; }

Slot Session::slot(const LayerSpec& spec, int which, int rows, int cols, bool transposed) {
    Slot s{spec.slots[which].start, rows,          cols, transposed, plan.size, rows == 1 ? int(lines(cols)) : stride_of(cols),
           spec.slots[which].rate,  spec.slots[which].decay};
    plan.size += int64_t(rows) * s.stride;
    return s;
}

void Session::add_dense(const LayerSpec& spec, const std::vector<std::vector<double>>& edges, bool last, bool training) {
    layers.push_back({});
    Layer& l = layers.back();
    l.kind = edges.empty() ? Kind::dense : Kind::encoded;
    l.d_in = spec.d_in, l.d_out = spec.d_out;
    l.activation = spec.activation;
    l.narrow = last && l.kind == Kind::dense && l.d_out < NARROW;
    l.w = l.narrow ? slot(spec, 0, l.d_out, l.d_in, true) : slot(spec, 0, l.d_in, l.d_out, false);
    l.b = slot(spec, 1, 1, l.d_out, false);
    want_activations(l, training);
    l.gate = functions.activations[l.activation] == std::string("relu") ? 1.0f : 0.0f;
    if (training && l.activation != 0 && l.gate == 0) want(l.D, floats_of(l));
    if (l.kind == Kind::encoded) {
        add_fields(edges);
        want(l.prefix, int64_t(l.d_in) * l.w.stride);
    } else if (training && !l.narrow && layers.size() > 2) {
        l.Wt_stride = stride_of(l.d_in);
        want(l.Wt, (int64_t(l.d_out) + 3) / 4 * 4 * l.Wt_stride);
    }
}

void Session::add_fields(const std::vector<std::vector<double>>& edges) {
    // A column joins the field of its left neighbour unless some row uses both.
    std::vector<int> not_before(plan.d, 0);
    for (int64_t r = 0; r < plan.n; r++)
        for (int c = 0, last = -1; c < plan.d; c++)
            if (edges[c].empty() && (std::bit_cast<uint32_t>(plan.X[r * plan.d + c]) << 1)) {  // not ±0, in any mode
                not_before[c] = std::max(not_before[c], last + 1);
                last = c;
            }
    int first = 0;
    for (int c = 0; c < plan.d; c++) {
        const std::vector<double>& e = edges[c];
        const bool joins = e.empty() && c > 0 && edges[c - 1].empty() && fields.back().source >= not_before[c];
        if (joins) {
            fields.back().count++, first++;
            continue;
        }
        const int count = e.empty() ? 1 : int(e.size()) - 1;
        Field f{c, first, count, !e.empty(), nullptr, nullptr, nullptr};
        first += count;
        if (f.binned) {
            std::vector<float>& inner = inner_edges.emplace_back();
            for (int t = 1; t < count; t++) {
                const float near = float(e[t]);
                inner.push_back(near < e[t] ? std::nextafter(near, std::numeric_limits<float>::infinity()) : near);
            }
            std::vector<double>& both = bins.emplace_back(e.begin(), e.end() - 1);
            for (int t = 0; t < count; t++) both.push_back(e[t + 1] - e[t]);
            f.edges = inner.data(), f.left = both.data(), f.width = both.data() + count;
        }
        fields.push_back(f);
    }
}

void Session::add_items() {
    const double B = plan.batch;
    for (int i = 1; i < int(layers.size()); i++) {
        const Layer& l = layers[i];
        if (l.kind == Kind::layer_norm) {
            items.push_back({Item::scale_and_shift, i, 0, 1, 2 * l.N * B});
            continue;
        }
        if (l.kind == Kind::encoded)
            for (int k = 0; k < int(fields.size()); k++)
                items.push_back({Item::field, i, k, k + 1, l.N * (2 * B + 30.0 * fields[k].count)});
        else
            for (int r = 0; r < l.w.rows; r += ROWS_AN_ITEM) {
                const int to = std::min(l.w.rows, r + ROWS_AN_ITEM);
                items.push_back({Item::weights, i, r, to, (to - r) * double(lines(l.w.cols)) * (B + 30)});
            }
        items.push_back({Item::bias, i, 0, 1, l.N * B});
    }
}

// A vector of theta's size into the arena's layout, or back.
template <bool BACK, class Theta>
void Session::copy(Theta* theta, float* kept) const {
    for (const Layer& l : layers)
        for (const Slot* s : {&l.w, &l.b})
            for (int r = 0; r < s->rows; r++) {
                Theta* const from = theta + s->start + (s->transposed ? r : int64_t(r) * s->cols);
                float* const to = kept + s->at + int64_t(r) * s->stride;
                const int64_t step = s->transposed ? s->rows : 1;
                for (int c = 0; c < s->cols; c++)
                    if constexpr (BACK)
                        from[c * step] = to[c];
                    else
                        to[c] = from[c * step];
            }
}

void Session::load(const float* theta, float* const* memory) {
    std::fill_n(plan.theta, plan.size, 0.0f);  // an infinite rate may have spoilt the padding
    copy<false>(theta, plan.theta);
    for (int k = 0; k < 2; k++)
        if (memory && memory[k]) copy<false>(memory[k], plan.memory[k]);
    functions.prepare(plan);
}

void Session::unload(float* theta, float* const* memory) const {
    copy<true>(theta, plan.theta);
    for (int k = 0; k < 2; k++)
        if (memory[k]) copy<true>(memory[k], plan.memory[k]);
}

void Session::draw_units(uint64_t new_seed) {
    if (seeded && seed == new_seed) return;
    seed = new_seed, seeded = true;
    unit_draws.clear();
    for (const Units& u : units) {
        Layer& l = layers[u.layer];
        std::vector<uint32_t>& draws = unit_draws.emplace_back(l.N, 0);
        for (int j = 0; j < u.units; j++) draws[j] = draw_of_unit(seed, uint64_t(u.position), uint64_t(u.units), uint64_t(j));
        l.mask[u.mask].units = draws.data();
    }
}

int Session::train(float* theta, float* const* memory, Stretch stretch) {
    const int steps = int((stretch.count + plan.batch - 1) / plan.batch);
    draw_units(stretch.seed);
    load(theta, memory);
    run(stretch, steps);
    int done = 0;
    while (done < steps && std::isfinite(stretch.E[done] + stretch.gradient_norm[done])) done++;
    if (done < steps) {  // go through it once more, up to there, without the NaN that now fills the padding too
        std::fill_n(arena.get(), arena_size, 0.0f);
        load(theta, memory);
        run(stretch, done);
    }
    unload(theta, memory);
    return done;
}

double Session::seconds(Stretch stretch, int from, int to, bool shared) {
    const auto began = std::chrono::steady_clock::now();
    stretch.from = from, stretch.to = to;
    if (shared)
        team->run([&](int thread) { functions.train(plan, stretch, team.get(), thread, threads); });
    else
        functions.train(plan, stretch, nullptr, 0, 1);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

// Bits do not depend on the number of threads, so the faster way is found by trying both, again in every stretch.
void Session::run(const Stretch& stretch, int steps) {
    double work = 0;
    for (const Item& item : items) work += item.cost;
    if (threads == 1 || work < WORTH_SHARING || !gather_team()) {
        seconds(stretch, 0, steps, false);
        return;
    }
    int at = 0;
    if (steps >= 4) {
        const int tried = std::max(1, steps / 24);
        seconds(stretch, 0, 1, true);  // wakes the threads
        together = seconds(stretch, 1, 1 + tried, true) / tried;
        alone = seconds(stretch, 1 + tried, 1 + 2 * tried, false) / tried;
        at = 1 + 2 * tried;
    }
    if (at == steps) return;
    bool shared = together <= alone;  // at first both are 0: each way gets its turn
    if (steps < 4 && ++short_stretches % 16 == 0) shared = !shared;
    (shared ? together : alone) = seconds(stretch, at, steps, shared) / (steps - at);
}

// Whether there are threads to share the work with.
bool Session::gather_team() {
    if (team_process != process()) {
        (void)team.release();  // a forked process has no threads but its own
        team_process = process();
        try {
            team = std::make_unique<Team>(threads);
        } catch (const std::system_error&) {
        }
    }
    return team != nullptr;
}

void Session::predict(const float* theta, float* S) {
    load(theta, nullptr);
    const float* X = plan.X;
    codes.resize(size_t(std::min<int64_t>(plan.n, ENCODED_AT_ONCE)) * plan.fields);
    plan.codes = codes.data();
    for (int64_t first = 0; first < plan.n; first += ENCODED_AT_ONCE) {
        const int count = int(std::min<int64_t>(plan.n - first, ENCODED_AT_ONCE));
        plan.X = X + first * plan.d;
        if (plan.fields) functions.encode(plan, 0, count, codes.data());
        for (int b = 0; b < count; b += plan.batch)
            functions.scores(plan, b, std::min(plan.batch, count - b), S + (first + b) * plan.loss.outputs);
    }
    plan.X = X;
}

}  // namespace backlit
