// The engine without Python. Plain, it checks small networks of every kind: finite results, and the same for every
// number of threads, instruction set and stretch; meant for the sanitizers. With `bits` it also prints a hash of every
// result, one line each, which must be the same from every compiler and processor.
#include <cinttypes>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "rng.hpp"
#include "session.hpp"

#define HEX "%016" PRIx64

using namespace backlit;

namespace {

void check(bool good, const std::string& what) {
    if (good) return;
    std::fprintf(stderr, "FAILED: %s\n", what.c_str());
    std::exit(1);
}

struct Random {
    uint64_t state;
    uint64_t next() { return mix64(state += GOLDEN); }
    int below(int n) { return int(next() >> 33) % n; }
    bool chance(int in) { return below(in) == 0; }
    float uniform(float low, float high) { return low + (high - low) * (float(next() >> 40) * 0x1p-24f); }
    template <size_t N>
    int of(const int (&choices)[N]) { return choices[below(N)]; }
};

uint64_t hashed(const void* data, size_t bytes, uint64_t hash = 0xCBF29CE484222325) {
    for (size_t i = 0; i < bytes; i++) hash = (hash ^ static_cast<const unsigned char*>(data)[i]) * 0x100000001B3;
    return hash;
}
template <class T>
uint64_t hashed(const std::vector<T>& x, uint64_t hash = 0xCBF29CE484222325) {
    return hashed(x.data(), x.size() * sizeof(T), hash);
}

int place(const Declared* records, const std::string& name) {
    int i = 0;
    while (records[i].name && records[i].name != name) i++;
    check(records[i].name, "the engine has no " + name);
    return i;
}

int count(const Declared* records) {
    int n = 0;
    while (records[n].name) n++;
    return n;
}

// The place of a kind of layer.
int kind(const std::string& name) {
    const std::vector<std::string> kinds = Session::layer_kinds();
    for (size_t i = 0; i < kinds.size(); i++)
        if (kinds[i] == name) return int(i);
    check(false, "the engine has no " + name);
    return -1;
}

// Fills in the numbers that a loss or an optimizer declares.
template <class Record>
void fill_numbers(Record& record, const Declared* records, double smoothing = 0) {
    const std::map<std::string, double> values{{"delta", 0.7}, {"label_smoothing", smoothing}, {"momentum", 0.9},
                                               {"rho", 0.999}, {"beta1", 0.9}, {"beta2", 0.999}, {"epsilon", 1e-8}};
    for (int i = 0; i < MOST_NUMBERS; i++)
        if (const char* number = records[record.kind].numbers[i]) record.number[i] = values.at(number);
}

// --- A network with its table ----------------------------------------------------------------------------------------

struct Case {
    std::vector<LayerSpec> layers;
    Loss loss{};
    std::vector<float> levels;
    Optimizer optimizer{};
    int memories = 0;
    int n = 0, d = 0, batch = 1, epochs = 1;
    double rate = 0.01;
    std::vector<float> X, Y, weights, theta;
    std::vector<int64_t> rows, positions;
    std::string name;

    Table table() const { return {X.data(), Y.data(), rows.data(), n, d, loss.targets, {}}; }
    Learnt learnt() const { return {positions.data(), n, weights.empty() ? nullptr : weights.data()}; }
    int steps() const { return (n + batch - 1) / batch; }  // an epoch
};

struct Result {
    std::vector<float> theta, memory[2], gradient, S;
    std::vector<double> figures[5];  // E, gradient_norm, update_norm, layer_gradient_norm, stuck
    int done = 0;

    uint64_t hash_of_figures(int from, int to) const {
        uint64_t hash = hashed(figures[from]);
        for (int k = from + 1; k < to; k++) hash = hashed(figures[k], hash);
        return hash;
    }
};

bool same(const Result& a, const Result& b) {
    return hashed(a.theta) == hashed(b.theta) && hashed(a.memory[0]) == hashed(b.memory[0]) &&
           hashed(a.memory[1]) == hashed(b.memory[1]) && hashed(a.S) == hashed(b.S) && hashed(a.gradient) == hashed(b.gradient) &&
           a.hash_of_figures(0, 5) == b.hash_of_figures(0, 5) && a.done == b.done;
}

void add_dense(Case& c, int& width, int units, int activation, int position) {
    LayerSpec l;
    l.kind = kind("dense"), l.d_in = width, l.d_out = units, l.activation = activation, l.position = position;
    const int64_t start = int64_t(c.theta.size());
    l.slots = {{start, 1, 1}, {start + int64_t(width) * units, 1, 1}};
    if (position % 2) l.slots[1].rate = 2, l.slots[1].decay = 0;
    c.theta.resize(l.slots[1].start + units);
    c.layers.push_back(l);
    width = units;
}

void add_dropout(Case& c, float rate, int position) {
    LayerSpec l;
    l.kind = kind("dropout"), l.position = position, l.rate = rate;
    c.layers.push_back(l);
}

void add_norm(Case& c, int width, int position) {
    LayerSpec l;
    l.kind = kind("layer_norm"), l.d_in = width, l.epsilon = 1e-5f, l.position = position;
    l.slots = {{int64_t(c.theta.size()), 1, 1}, {int64_t(c.theta.size()) + width, 1, 1}};
    c.theta.resize(c.theta.size() + 2 * width);
    c.layers.push_back(l);
}

void fill(Case& c, Random& draw, const Functions& any) {
    const std::string loss = any.losses[c.loss.kind].name;
    c.loss.targets = loss == "quantile" || loss == "cross_entropy" ? 1 : c.loss.outputs;
    if (loss == "quantile")
        for (int j = 0; j < c.loss.outputs; j++) c.levels.push_back(float(j + 1) / float(c.loss.outputs + 1));
    for (int i = 0; i < c.n * c.loss.targets; i++) {
        if (loss == "cross_entropy") c.Y.push_back(float(draw.below(c.loss.outputs)));
        else if (loss == "binary_cross_entropy") c.Y.push_back(float(draw.below(2)));
        else if (loss == "poisson") c.Y.push_back(float(draw.below(5)));
        else c.Y.push_back(draw.uniform(-2, 2));
    }
    for (int r = 0; r < c.n; r++) c.rows.push_back(3 * r + 1);
    for (int epoch = 0; epoch < c.epochs; epoch++) {
        const size_t first = c.positions.size();
        for (int r = 0; r < c.n; r++) c.positions.push_back(r);
        for (int r = c.n - 1; r > 0; r--) std::swap(c.positions[first + r], c.positions[first + draw.below(r + 1)]);
    }
    for (float& w : c.theta) w = draw.uniform(-0.3f, 0.3f);
}

Case random_case(int number, const Functions& any) {
    Random draw{uint64_t(number)};
    Case c;
    const int widths[] = {1, 2, 3, 4, 5, 15, 16, 17, 33, 65, 130}, batches[] = {1, 2, 7, 16, 37, 100};
    const int activation = number % count(any.activations);
    c.d = draw.of(widths);
    c.n = draw.chance(4) ? draw.of(batches) : 20 + draw.below(180);
    c.batch = draw.of(batches);
    c.batch = c.batch < c.n ? c.batch : c.n;
    c.epochs = c.n / c.batch < 30 ? 2 : 1;
    c.loss.kind = number % count(any.losses);
    const std::string loss = any.losses[c.loss.kind].name;
    c.loss.outputs = (loss == "cross_entropy" ? 2 : 1) + draw.below(5);
    c.loss.mean = !draw.chance(4), c.loss.scale = draw.chance(3) ? 0.5f : 1.0f;
    fill_numbers(c.loss, any.losses, draw.chance(2) ? 0.1 : 0.0);
    c.optimizer.kind = number % count(any.optimizers);
    const std::string optimizer = any.optimizers[c.optimizer.kind].name;
    c.memories = optimizer == "sgd" ? 0 : optimizer == "adam" ? 2 : 1;
    c.optimizer.weight_decay = draw.chance(2) ? 0.01f : 0.0f, c.optimizer.clip_norm = draw.chance(2) ? 0.5f : 0.0f;
    fill_numbers(c.optimizer, any.optimizers);
    c.rate = 1e-3;

    int width = c.d, position = 0;
    const bool encoded = draw.chance(2);
    for (int i = 0; i < c.n * c.d; i++) c.X.push_back(draw.uniform(-2, 2));
    if (encoded) {
        LayerSpec l;
        l.kind = kind("piecewise_linear"), l.position = position++;
        width = 0;
        for (int k = 0; k < c.d; k++) {
            std::vector<double> edges;
            if (!draw.chance(3)) {
                const int T = 1 + draw.below(draw.chance(4) ? 70 : 5);
                for (int t = 0; t <= T; t++) edges.push_back(-1.3 + 2.6 * t / T);
                for (int r = 0; r < c.n; r += 3) c.X[r * c.d + k] = float(edges[draw.below(T + 1)]);
            } else if (!draw.chance(4)) {  // zero but for few
                for (int r = 0; r < c.n; r++)
                    if (!draw.chance(4)) c.X[r * c.d + k] = 0;
            }
            width += edges.empty() ? 1 : int(edges.size()) - 1;
            l.edges.push_back(edges);
        }
        c.layers.push_back(l);
        add_dense(c, width, draw.of(widths), activation, position++);
    } else {
        if (draw.chance(3)) add_dropout(c, 0.2f, position++);
        if (c.d > 1 && draw.chance(4)) add_norm(c, width, position++);
    }
    for (int more = draw.below(3); more > 0; more--) {
        add_dense(c, width, draw.of(widths), activation, position++);
        if (width > 1 && draw.chance(3)) add_norm(c, width, position++);
        if (draw.chance(2)) add_dropout(c, 0.5f, position++);
        if (c.layers.back().kind == kind("dropout") && draw.chance(2)) add_dropout(c, 0.1f, position++);
    }
    add_dense(c, width, c.loss.outputs, draw.chance(3) ? activation : 0, position++);
    if (width > 1 && draw.chance(6)) add_norm(c, width, position++);
    if (draw.chance(6)) add_dropout(c, 0.3f, position++);
    if (draw.chance(3))
        for (int r = 0; r < c.n; r++) c.weights.push_back(draw.uniform(0.5f, 1.5f));
    fill(c, draw, any);
    c.name = "network " + std::to_string(number) + " " + any.activations[activation].name + " " + loss + " " + optimizer;
    return c;
}

// Wide and long enough for several threads to be tried.
Case large_case(int number, bool encoded, const Functions& any) {
    Random draw{uint64_t(1000 + number)};
    Case c;
    c.d = 70, c.n = 700, c.batch = 40, c.epochs = 2, c.memories = 2, c.rate = 1e-3;
    c.loss.kind = place(any.losses, "cross_entropy"), c.loss.outputs = 3, c.loss.mean = true, c.loss.scale = 1;
    c.optimizer.kind = place(any.optimizers, "adam");
    fill_numbers(c.optimizer, any.optimizers);
    c.optimizer.clip_norm = number % 2 ? 0.3f : 0.0f;
    for (int i = 0; i < c.n * c.d; i++) c.X.push_back(draw.uniform(-2, 2));
    int width = c.d, position = 0;
    if (encoded) {
        LayerSpec l;
        l.kind = kind("piecewise_linear"), l.position = position++;
        for (int k = 0; k < c.d; k++) l.edges.push_back({-1, -0.5, 0, 0.5, 1});
        c.layers.push_back(l);
        width = 4 * c.d;
    }
    add_dense(c, width, 80, place(any.activations, "relu"), position++);
    add_dropout(c, 0.25f, position++);
    add_dense(c, width, 70, place(any.activations, "gelu"), position++);
    add_norm(c, width, position++);
    add_dense(c, width, 3, 0, position++);
    fill(c, draw, any);
    c.name = std::string("large network ") + std::to_string(number);
    return c;
}

// Trains in stretches of so many steps, then predicts the table.
Result run(const Case& c, const Functions& isa, int threads, int stretch) {
    Result result;
    result.theta = c.theta;
    float* memory[2] = {};
    for (int k = 0; k < c.memories; k++) {
        result.memory[k].resize(c.theta.size());
        memory[k] = result.memory[k].data();
    }
    Table table = c.table();
    Session session(isa, c.layers, c.loss, c.levels, c.optimizer, table, c.learnt(), c.batch, threads);
    size_t L = 0;
    for (const LayerSpec& l : c.layers) L += !l.slots.empty();
    const size_t numbers[] = {1, 1, 1, L, L};  // of a step
    bool going = true;
    for (int epoch = 0; epoch < c.epochs && going; epoch++)
        for (int step = 0; step < c.steps() && going; step += stretch) {
            const int64_t first = int64_t(step) * c.batch, left = c.n - first;
            const int64_t wanted = int64_t(stretch) * c.batch < left ? int64_t(stretch) * c.batch : left;
            const int steps = int((wanted + c.batch - 1) / c.batch);
            std::vector<double> rates(steps, c.rate), figures[5];
            for (int k = 0; k < 5; k++) figures[k].assign(steps * numbers[k], -1);
            const int64_t* positions = c.positions.data() + int64_t(epoch) * c.n + first;
            const Figures places{figures[0].data(), figures[1].data(), figures[2].data(), figures[3].data(),
                                 figures[4].data()};
            const Stretch s{positions, wanted, rates.data(), 7, uint64_t(result.done), result.done, places, 0, 0};
            const int done = session.train(result.theta.data(), memory, s);
            result.done += done;
            going = done == steps;
            for (int k = 0; k < 5; k++) {
                figures[k].resize((done + !going) * numbers[k]);
                result.figures[k].insert(result.figures[k].end(), figures[k].begin(), figures[k].end());
            }
        }
    std::vector<uint32_t> draws(c.batch);
    for (int b = 0; b < c.batch; b++) draws[b] = uint32_t(b) * 0x9E3779B9u;
    result.gradient.resize(c.theta.size());
    session.gradient(c.theta.data(), 7, c.positions.data(), draws.data(), c.batch, result.gradient.data());
    Table rows{c.X.data(), nullptr, nullptr, c.n, c.d, 0, {}};
    const int at_once = c.n < 33 ? c.n : 33;
    result.S.resize(size_t(c.n) * c.loss.outputs);
    Session(isa, c.layers, c.loss, c.levels, {}, rows, {}, at_once, 1).predict(result.theta.data(), result.S.data());
    return result;
}

template <class T>
bool finite(const std::vector<T>& x) {
    for (T each : x)
        if (!std::isfinite(each)) return false;
    return true;
}

void network(const Case& c, bool print) {
    const Result first = run(c, *instruction_sets()[0], 1, c.steps());
    check(finite(first.theta) && finite(first.memory[0]) && finite(first.memory[1]), c.name + ": theta or memory");
    for (const auto& figure : first.figures) check(finite(figure), c.name + ": figures");
    for (double share : first.figures[4]) check(share >= 0 && share <= 1, c.name + ": stuck");
    check(finite(first.S), c.name + ": scores");
    check(finite(first.gradient), c.name + ": gradient");
    check(first.done == c.epochs * c.steps(), c.name + ": stopped");
    check(hashed(first.theta) != hashed(c.theta), c.name + ": theta stayed");
    for (const Functions* isa : instruction_sets())
        for (int threads = 1; threads <= 4; threads++)
            for (int stretch : {c.steps(), 17, 1})
                if (stretch == c.steps() || (threads == 2 && stretch < c.steps())) {
                    const std::string how = std::string(isa->name) + ", threads " + std::to_string(threads);
                    check(same(first, run(c, *isa, threads, stretch)),
                          c.name + ": other bits on " + how + ", steps " + std::to_string(stretch));
                }
    if (print)
        std::printf("%s: theta " HEX " memory " HEX " E and gradient " HEX " other figures " HEX " scores " HEX "\n",
                    c.name.c_str(), hashed(first.theta), hashed(first.memory[1], hashed(first.memory[0])),
                    first.hash_of_figures(0, 2), first.hash_of_figures(2, 5), hashed(first.S));
}

// A run that diverges ends as if the steps before had been all.
void divergence(const Functions& any, bool print) {
    for (int number : {0, 1}) {
        Case c = large_case(number, number, any);
        for (LayerSpec& l : c.layers)
            if (l.kind == kind("dense")) l.activation = place(any.activations, "relu");
        c.optimizer.kind = place(any.optimizers, "sgd"), c.memories = 0;
        c.optimizer.clip_norm = 0, c.optimizer.weight_decay = 1.0f, c.rate = 1e15, c.batch = 7, c.epochs = 1;
        const uint64_t figures = run(c, any, 1, c.steps()).hash_of_figures(2, 5);
        for (const Functions* isa : instruction_sets()) {
            const Result whole = run(c, *isa, 2, c.steps());
            check(whole.done > 0 && whole.done < c.steps(), "divergence: it does not diverge");
            check(finite(whole.theta) && finite(whole.memory[0]), "divergence: the state after it");
            check(!std::isfinite(whole.figures[0].back() + whole.figures[1].back()), "divergence: the last figures");
            check(std::isnan(whole.figures[2].back()), "divergence: an update that was not made");
            check(whole.hash_of_figures(2, 5) == figures, std::string("divergence: other figures on ") + isa->name);
            check(same(whole, run(c, *isa, 1, 1)), "divergence: other bits in single steps");
        }
        if (print) std::printf("divergence %d: other figures " HEX "\n", number, figures);
    }
}

// --- The functions, over floats of every size ------------------------------------------------------------------------

template <class F>
uint64_t swept(F f) {
    constexpr uint64_t STRIDE = 4001;
    constexpr int ROW = 4096;
    std::vector<float> x(ROW), y(ROW), slope(ROW);
    uint64_t hash = 0xCBF29CE484222325, bits = 0;
    while (bits < (uint64_t(1) << 32)) {
        for (float& each : x) {
            const uint32_t these = uint32_t(bits);
            std::memcpy(&each, &these, 4);
            bits += STRIDE;
        }
        f(x.data(), y.data(), slope.data(), int64_t(ROW));
        for (std::vector<float>* results : {&y, &slope}) {
            for (float& each : *results)
                if (each != each) each = 0;
            hash = hashed(*results, hash);
        }
    }
    return hash;
}

void function(const std::string& name, bool print, auto apply) {
    const uint64_t hash = swept([&](auto... given) { apply(*instruction_sets()[0], given...); });
    for (const Functions* isa : instruction_sets())
        check(hash == swept([&](auto... given) { apply(*isa, given...); }), name + ": other bits on " + isa->name);
    if (print) std::printf("%s: " HEX "\n", name.c_str(), hash);
}

void functions(bool print) {
    int which = 0;
    for (const char* name : {"exp", "expm1", "log", "log1p", "tanh", "sigmoid", "softplus"}) {
        function(name, print, [=](const Functions& isa, const float* x, float* y, float*, int64_t n) {
            isa.elementary(which, x, y, n);
        });
        which++;
    }
    const Functions& any = *instruction_sets()[0];
    for (int i = 0; any.activations[i].name; i++)
        function(std::string("activation ") + any.activations[i].name, print,
                 [=](const Functions& isa, const float* x, float* y, float* slope, int64_t n) {
                     isa.apply(i, x, y, slope, n);
                 });
}

}  // namespace

int main(int arguments, char** argument) {
    const bool print = arguments > 1 && std::string(argument[1]) == "bits";
    if (instruction_sets().empty()) {
        std::puts("skipped: this processor has no AVX2");
        return 0;
    }
    const Functions& any = *instruction_sets()[0];
    for (int number = 0; number < 80; number++) network(random_case(number, any), print);
    for (int number = 0; number < 4; number++) network(large_case(number, number >= 2, any), print);
    divergence(any, print);
    functions(print);
    if (!print) std::puts("all good");
}
