// How a session is laid out: which layers, fields and items there are, and where in the arena each buffer lies.
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "session.hpp"

namespace backlit {
namespace {

constexpr int NARROW = 4;         // fewer outputs than these: W is kept transposed, and Z is a dot product
constexpr int ROWS_AN_ITEM = 24;  // whole tiles on every processor

constexpr std::align_val_t ALIGNED{4 * LANES};

}  // namespace

void Session::Free::operator()(float* p) const { ::operator delete(p, ALIGNED); }

Session::Session(const Functions& functions, const std::vector<LayerSpec>& specs, const Loss& loss,
                 const std::vector<float>& levels_, const Optimizer& optimizer, Table& table,
                 const std::optional<Learnt>& learnt, int batch, int threads)
    : functions(functions), levels(levels_), threads(threads) {
    const bool training = learnt.has_value();
    plan.loss = loss;
    plan.loss.levels = levels.data();
    plan.optimizer = optimizer;
    plan.X = table.X, plan.targets = table.targets, plan.rows = table.rows;
    plan.weights = training ? learnt->weights : nullptr;
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
            add_dropout(spec, training);
        } else if (spec.kind == "layer_norm") {
            add_norm(spec, training);
        } else {
            add_dense(spec, edges, &spec == &specs.back(), learnt);
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
        want(plan.gradient_squares, int64_t(items.size()) * LANES);
        want(plan.update_squares, int64_t(items.size()) * LANES);
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
        codes = codes_of(table);
        plan.codes = codes->codes.data();
    }
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
    const auto& given = spec.slots[which];
    const int stride = rows == 1 ? int(lines(cols)) : stride_of(cols);
    Slot s{given.start, rows, cols, transposed, plan.size, stride, given.rate, given.decay};
    plan.size += int64_t(rows) * s.stride;
    return s;
}

void Session::add_dropout(const LayerSpec& spec, bool training) {
    Layer& below = layers.back();
    units.push_back({int(layers.size()) - 1, below.masks, spec.position, below.d_out});
    below.mask[below.masks++] = {spec.threshold, spec.scale, nullptr};
    below.gate *= spec.scale;
    plan.random |= training;
    const bool has_D = below.activation != 0 || below.masks > 1;
    if (training && layers.size() > 1 && !has_D) want(below.D, floats_of(below));
}

void Session::add_norm(const LayerSpec& spec, bool training) {
    layers.push_back({});
    Layer& l = layers.back();
    l.kind = Kind::layer_norm;
    l.d_in = l.d_out = spec.d_in;
    l.epsilon = spec.epsilon;
    l.w = slot(spec, 0, 1, l.d_out, false);
    l.b = slot(spec, 1, 1, l.d_out, false);
    want_activations(l, training);
    want(l.norm, floats_of(l));
    want(l.deviation, lines(plan.batch));
}

void Session::add_dense(const LayerSpec& spec, const std::vector<std::vector<double>>& edges, bool last,
                        const std::optional<Learnt>& learnt) {
    const bool training = learnt.has_value();
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
        add_fields(edges, learnt);
        want(l.prefix, int64_t(l.d_in) * l.w.stride);
    } else if (training && !l.narrow && layers.size() > 2) {
        l.Wt_stride = stride_of(l.d_in);
        want(l.Wt, (int64_t(l.d_out) + 3) / 4 * 4 * l.Wt_stride);
    }
}

void Session::add_fields(const std::vector<std::vector<double>>& edges, const std::optional<Learnt>& learnt) {
    // A column joins the field of its left neighbour unless some row that is used uses both.
    std::vector<int> not_before(plan.d, 0);
    for (int64_t i = 0; i < (learnt ? learnt->count : plan.n); i++)
        for (int64_t c = 0, last = -1, r = learnt ? learnt->positions[i] : i; c < plan.d; c++)
            if (edges[c].empty() && (std::bit_cast<uint32_t>(plan.X[r * plan.d + c]) << 1)) {  // not ±0, in any mode
                not_before[c] = std::max(not_before[c], int(last) + 1);
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

// Those that another session on the same table has already, or new ones.
std::shared_ptr<Codes> Session::codes_of(Table& table) {
    std::vector<int> which;
    for (const Field& f : fields) which.insert(which.end(), {f.source, f.count, f.binned});
    std::erase_if(table.codes, [](const auto& known) { return known.expired(); });
    for (const auto& known : table.codes)
        if (auto same = known.lock(); same->fields == which && same->inner_edges == inner_edges) return same;
    auto made = std::make_shared<Codes>(Codes{which, inner_edges, std::vector<uint16_t>(size_t(plan.n) * plan.fields)});
    functions.encode(plan, 0, plan.n, made->codes.data());
    table.codes.push_back(made);
    return made;
}

int64_t Table::code_bytes() const {
    int64_t bytes = 0;
    for (const auto& known : codes)
        if (auto there = known.lock()) bytes += 2 * int64_t(there->codes.size());
    return bytes;
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

}  // namespace backlit
