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

// Each kind of layer by its name in Python, and what lays it out.
struct LayerKind {
    const char* name;
    void (Session::*add)(const LayerSpec&);
};

const std::vector<LayerKind>& Session::kinds() {
    static const std::vector<LayerKind> all{
        {"dense", &Session::add_dense},
        {"piecewise_linear", &Session::add_bins},
        {"dropout", &Session::add_dropout},
        {"layer_norm", &Session::add_norm},
    };
    return all;
}

std::vector<std::string> Session::layer_kinds() {
    std::vector<std::string> names;
    for (const LayerKind& kind : kinds()) names.push_back(kind.name);
    return names;
}

Session::Session(const Functions& functions, const std::vector<LayerSpec>& specs, const Loss& loss,
                 const std::vector<float>& levels_, const Optimizer& optimizer, Table& table,
                 const std::optional<Learnt>& learnt, int batch, int threads)
    : functions(functions), learnt(learnt), training(learnt.has_value()), levels(levels_), threads(threads) {
    layout.loss = loss;
    layout.loss.levels = levels.data();
    layout.optimizer = optimizer;
    layout.X = table.X, layout.targets = table.targets, layout.rows = table.rows;
    layout.weights = training ? learnt->weights : nullptr;
    layout.n = table.n, layout.d = table.d;
    layout.batch = batch;
    layout.batch_stride = int(lines(batch));

    layers.reserve(specs.size() + 1);  // `want` keeps the addresses of their pointers
    layers.push_back({});
    Layer& input = layers.back();
    input.kind = Kind::input;
    input.d_out = table.d;
    if (specs[0].edges.empty()) {  // else the first layer encodes it
        input.N = int(lines(input.d_out));
        input.stride = stride_of(input.d_out);
        want(input.Y, int64_t(batch) * input.stride);
    }
    last = &specs.back();
    for (const LayerSpec& spec : specs) (this->*kinds()[spec.kind].add)(spec);
    layout.layer = layers.data();
    layout.layers = int(layers.size());
    if (!training)
        for (Layer& l : layers) l.masks = 0;
    layout.field = fields.data();
    layout.fields = int(fields.size());
    add_items();
    layout.item = items.data();
    layout.items = int(items.size());

    int most_bins = 0;
    for (const Field& f : fields) most_bins = std::max(most_bins, f.count);
    layout.scratch_size = int(lines(most_bins + 1 + batch));
    float *used = nullptr, *draw = nullptr, *scratch = nullptr;  // whole numbers of the same size
    want(layout.theta, layout.size);
    want(used, int64_t(batch) * layout.fields);
    want(layout.value, int64_t(batch) * layout.fields);
    if (training) {
        want(layout.gradient, layout.size);
        want(layout.memory[0], layout.size);
        want(layout.memory[1], layout.size);
        if (!layers.back().narrow) {
            want(layout.S, int64_t(loss.outputs) * layout.batch_stride);
            want(layout.dS, int64_t(loss.outputs) * layout.batch_stride);
        }
        want(layout.T, int64_t(loss.targets) * layout.batch_stride);
        want(layout.e, layout.batch_stride);
        want(layout.w, layout.batch_stride);
        want(layout.gradient_squares, int64_t(items.size()) * LANES);
        want(layout.update_squares, int64_t(items.size()) * LANES);
        want(draw, batch);
        want(scratch, int64_t(layout.scratch_size) * threads);
    }
    for (auto& [place, floats] : wanted) arena_size += LANES * (lines(floats) / LANES | 1);
    arena.reset(static_cast<float*>(::operator new(4 * arena_size, ALIGNED)));
    std::fill_n(arena.get(), arena_size, 0.0f);
    float* next = arena.get();
    for (auto& [place, floats] : wanted) {
        *place = next;
        next += LANES * (lines(floats) / LANES | 1);
    }
    if (layers.back().narrow) layout.S = layers.back().Y, layout.dS = layers.back().dY;
    layout.used = reinterpret_cast<int32_t*>(used);
    layout.draw = reinterpret_cast<uint32_t*>(draw);
    layout.scratch = reinterpret_cast<int*>(scratch);
    for (Layer& l : layers)
        if (l.narrow) l.Wt = layout.theta + l.slot[WEIGHTS].at, l.Wt_stride = l.slot[WEIGHTS].stride;

    if (training && layout.fields) {
        codes = codes_of(table);
        layout.codes = codes->codes.data();
    }
}

void Session::want(float*& place, int64_t floats) { wanted.emplace_back(&place, floats); }

void Session::want_activations(Layer& l) {
    l.N = int(lines(l.d_out));
    l.stride = l.narrow ? layout.batch_stride : stride_of(l.d_out);
    want(l.Y, floats_of(l));
    if (training) want(l.dY, floats_of(l));
}

int64_t Session::floats_of(const Layer& l) const { return int64_t(l.narrow ? l.d_out : layout.batch) * l.stride; }

// A slot as it is kept; where it starts and its factors are the spec's.
Slot kept(int rows, int cols, bool transposed = false) {
    const int stride = rows == 1 ? int(lines(cols)) : stride_of(cols);
    return {0, rows, cols, transposed, 0, stride, 1, 1};
}

void Session::add_slots(const LayerSpec& spec, std::vector<Slot> of_layer) {
    for (size_t i = 0; i < of_layer.size(); i++) {
        Slot& s = of_layer[i];
        s.start = spec.slots[i].start, s.rate = spec.slots[i].rate, s.decay = spec.slots[i].decay;
        s.at = layout.size;
        layout.size += int64_t(s.rows) * s.stride;
    }
    slots.push_back(std::move(of_layer));
    layers.back().slot = slots.back().data();
    layers.back().slots = int(slots.back().size());
}

void Session::add_dropout(const LayerSpec& spec) {
    Layer& below = layers.back();
    const double threshold = std::nearbyint(spec.rate * 0x1p32), most = 0xFFFFFFFF;
    const float scale = float(1 / (1 - spec.rate));
    units.push_back({int(layers.size()) - 1, below.masks, spec.position, below.d_out});
    below.mask[below.masks++] = {uint32_t(std::min(threshold, most)), scale, nullptr};
    below.gate *= scale;
    layout.random |= training;
    const bool has_D = below.activation != 0 || below.masks > 1;
    if (training && layers.size() > 1 && !has_D) want(below.D, floats_of(below));
}

void Session::add_norm(const LayerSpec& spec) {
    layers.push_back({});
    Layer& l = layers.back();
    l.kind = Kind::layer_norm;
    l.d_in = l.d_out = spec.d_in;
    l.epsilon = spec.epsilon;
    add_slots(spec, {kept(1, l.d_out), kept(1, l.d_out)});
    want_activations(l);
    want(l.norm, floats_of(l));
    want(l.deviation, lines(layout.batch));
}

void Session::add_bins(const LayerSpec& spec) { edges = spec.edges; }

void Session::add_dense(const LayerSpec& spec) {
    layers.push_back({});
    Layer& l = layers.back();
    l.kind = edges.empty() ? Kind::dense : Kind::encoded;
    l.d_in = spec.d_in, l.d_out = spec.d_out;
    l.activation = spec.activation;
    l.narrow = &spec == last && l.kind == Kind::dense && l.d_out < NARROW;
    add_slots(spec, {l.narrow ? kept(l.d_out, l.d_in, true) : kept(l.d_in, l.d_out), kept(1, l.d_out)});
    want_activations(l);
    l.gate = functions.activations[l.activation].name == std::string("relu") ? 1.0f : 0.0f;
    if (training && l.activation != 0 && l.gate == 0) want(l.D, floats_of(l));
    if (l.kind == Kind::encoded) {
        add_fields();
        edges.clear();
        want(l.prefix, int64_t(l.d_in) * l.slot[WEIGHTS].stride);
    } else if (training && !l.narrow && layers.size() > 2) {
        l.Wt_stride = stride_of(l.d_in);
        want(l.Wt, (int64_t(l.d_out) + 3) / 4 * 4 * l.Wt_stride);
    }
}

void Session::add_fields() {
    // A column joins the field of its left neighbour unless some row that is used uses both.
    std::vector<int> not_before(layout.d, 0);
    for (int64_t i = 0; i < (learnt ? learnt->count : layout.n); i++)
        for (int64_t c = 0, last = -1, r = learnt ? learnt->positions[i] : i; c < layout.d; c++)
            if (edges[c].empty() && (std::bit_cast<uint32_t>(layout.X[r * layout.d + c]) << 1)) {  // not ±0, in any mode
                not_before[c] = std::max(not_before[c], int(last) + 1);
                last = c;
            }
    int first = 0;
    for (int c = 0; c < layout.d; c++) {
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
    auto made = std::make_shared<Codes>(Codes{which, inner_edges, std::vector<uint16_t>(size_t(layout.n) * layout.fields)});
    functions.encode(layout, 0, layout.n, made->codes.data());
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
    const double B = layout.batch;
    for (int i = 1; i < int(layers.size()); i++) {
        const Layer& l = layers[i];
        if (l.kind == Kind::layer_norm) {
            items.push_back({Item::scale_and_shift, i, GAMMA, 2, 0, 1, -1, 2 * l.N * B});
            continue;
        }
        const Slot& W = l.slot[WEIGHTS];
        if (l.kind == Kind::encoded)
            for (int k = 0; k < int(fields.size()); k++) {
                const Field& f = fields[k];
                items.push_back({Item::field, i, WEIGHTS, 1, f.first, f.first + f.count, k, l.N * (2 * B + 30.0 * f.count)});
            }
        else
            for (int r = 0; r < W.rows; r += ROWS_AN_ITEM) {
                const int to = std::min(W.rows, r + ROWS_AN_ITEM);
                items.push_back({Item::weights, i, WEIGHTS, 1, r, to, -1, (to - r) * double(lines(W.cols)) * (B + 30)});
            }
        items.push_back({Item::bias, i, BIAS, 1, 0, 1, -1, l.N * B});
    }
}

}  // namespace backlit
