// What Python sees of the engine.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>

#include "session.hpp"

namespace nb = nanobind;
using namespace nb::literals;
using namespace backlit;

namespace {

template <class T>
using Vector = nb::ndarray<T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <class T>
using Matrix = nb::ndarray<T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

const Functions& instruction_set(const std::string& name) {
    for (const Functions* set : instruction_sets())
        if (set->name == name) return *set;
    throw nb::value_error(("this processor cannot run " + name).c_str());
}

int place(const Declared* records, const std::string& name) {
    for (int i = 0; records[i].name; i++)
        if (name == records[i].name) return i;
    throw nb::value_error((name + " is not in the engine").c_str());
}

// What a registry declares: names, each with those of its numbers.
nb::dict declared(const Declared* records) {
    nb::dict all;
    for (; records->name; records++) {
        nb::list numbers;
        for (const char* number : records->numbers)
            if (number) numbers.append(number);
        all[records->name] = numbers;
    }
    return all;
}

template <class T>
T get(const nb::dict& from, const char* key, T otherwise) {
    return from.contains(key) ? nb::cast<T>(from[key]) : otherwise;
}

// The place of a loss or an optimizer in its registry, and its numbers.
template <class Record>
void read(const nb::dict& from, const Declared* records, Record& into) {
    into.kind = place(records, nb::cast<std::string>(from["kind"]));
    for (int i = 0; i < MOST_NUMBERS; i++)
        if (const char* number = records[into.kind].numbers[i]) into.number[i] = nb::cast<double>(from[number]);
}

LayerSpec layer_spec(const Functions& set, const nb::dict& given) {
    const std::vector<std::string> kinds = Session::layer_kinds();
    LayerSpec spec;
    spec.kind = int(std::find(kinds.begin(), kinds.end(), nb::cast<std::string>(given["kind"])) - kinds.begin());
    spec.position = nb::cast<int>(given["position"]);
    spec.d_in = get(given, "d_in", get(given, "d", 0));
    spec.d_out = get(given, "d_out", 0);
    spec.activation = place(set.activations, get<std::string>(given, "activation", "identity"));
    spec.epsilon = get(given, "epsilon", 0.0f);
    spec.rate = get(given, "rate", 0.0);
    spec.edges = get(given, "edges", std::vector<std::vector<double>>());
    for (nb::handle slot : nb::cast<nb::list>(given["slots"])) {
        const nb::tuple t = nb::cast<nb::tuple>(slot);
        spec.slots.push_back({nb::cast<int64_t>(t[0]), nb::cast<float>(t[1]), nb::cast<float>(t[2])});
    }
    return spec;
}

// Of the arrays that Python fills up, where their numbers are.
Figures figures_in(const nb::tuple& arrays) {
    auto per_step = [&](int k) { return nb::cast<Vector<double>>(arrays[k], false).data(); };
    auto per_layer = [&](int k) { return nb::cast<Matrix<double>>(arrays[k], false).data(); };
    return {per_step(0), per_step(1), per_step(2), per_layer(3), per_layer(4)};
}

// A table together with the arrays that it reads.
struct Arrays {
    Matrix<const float> X;
    std::optional<Matrix<const float>> Y;
    std::optional<Vector<const int64_t>> numbers;
    Table table{X.data(), Y ? Y->data() : nullptr, numbers ? numbers->data() : nullptr, int64_t(X.shape(0)),
                int(X.shape(1)), Y ? int(Y->shape(1)) : 0, {}};
};

// A session together with what it reads.
struct Engine {
    std::shared_ptr<Arrays> rows;
    std::optional<Vector<const int64_t>> positions;
    std::optional<Vector<const float>> weights;
    Session session;
};

Engine* new_engine(const std::string& isa, const nb::list& layers, const nb::dict& loss,
                   const std::optional<nb::dict>& optimizer, std::shared_ptr<Arrays> rows, int batch, std::optional<Vector<const int64_t>> positions,
                   std::optional<Vector<const float>> weights, int threads) {
    const Functions& set = instruction_set(isa);
    std::vector<LayerSpec> specs;
    for (nb::handle layer : layers) specs.push_back(layer_spec(set, nb::cast<nb::dict>(layer)));
    Loss l{};
    read(loss, set.losses, l);
    l.outputs = nb::cast<int>(loss["outputs"]);
    l.targets = rows->table.outputs;
    l.mean = nb::cast<bool>(loss["mean"]);
    l.scale = nb::cast<float>(loss["scale"]);
    Optimizer o{};  // none is needed where no step is made
    if (optimizer) {
        read(*optimizer, set.optimizers, o);
        o.weight_decay = nb::cast<float>((*optimizer)["weight_decay"]);
        o.clip_norm = nb::cast<float>((*optimizer)["clip_norm"]);
    }
    std::optional<Learnt> learnt;
    if (positions) learnt = {positions->data(), int64_t(positions->shape(0)), weights ? weights->data() : nullptr};
    return new Engine{rows, positions, weights,
                      Session(set, specs, l, get(loss, "levels", std::vector<float>()), o, rows->table, learnt, batch, threads)};
}

}  // namespace

NB_MODULE(_native, m) {
    nb::set_leak_warnings(false);  // an engine may well live until the interpreter ends
    m.doc() = "The fast engine; see backlit.engines.native.";
    m.def("instruction_sets", [] {
        std::vector<std::string> all;
        for (const Functions* set : instruction_sets()) all.push_back(set->name);
        return all;
    });
    if (!instruction_sets().empty()) {
        const Functions& any = *instruction_sets()[0];
        m.attr("LAYERS") = Session::layer_kinds();
        m.attr("ACTIVATIONS") = declared(any.activations);
        m.attr("LOSSES") = declared(any.losses);
        m.attr("OPTIMIZERS") = declared(any.optimizers);
    }

    nb::class_<Arrays>(m, "Table")
        .def(nb::new_([](Matrix<const float> X, std::optional<Matrix<const float>> Y,
                         std::optional<Vector<const int64_t>> rows) { return std::make_shared<Arrays>(Arrays{X, Y, rows}); }),
             "X"_a, "Y"_a = nb::none(), "rows"_a = nb::none())
        .def_prop_ro("code_bytes", [](const Arrays& self) { return self.table.code_bytes(); });

    nb::class_<Engine>(m, "Session")
        .def(nb::new_(&new_engine), "isa"_a, "layers"_a, "loss"_a, "optimizer"_a.none(), "table"_a, "batch"_a,
             "positions"_a = nb::none(), "weights"_a = nb::none(), "threads"_a = 1)
        .def("train",
             [](Engine& self, Vector<float> theta, std::vector<Vector<float>> memory, int64_t t, uint64_t seed,
                uint64_t step, Vector<const int64_t> positions, Vector<const double> rates,
                const nb::tuple& figures) {
                 Stretch stretch{positions.data(), int64_t(positions.shape(0)), rates.data(), seed, step, t,
                                 figures_in(figures), 0, 0};
                 float* memories[2] = {};
                 for (size_t k = 0; k < memory.size(); k++) memories[k] = memory[k].data();
                 nb::gil_scoped_release released;
                 return self.session.train(theta.data(), memories, stretch);
             })
        .def("gradient",
             [](Engine& self, Vector<const float> theta, uint64_t seed, Vector<const int64_t> positions,
                std::optional<Vector<const uint32_t>> draws, Vector<float> gradient) {
                 const uint32_t* of_rows = draws ? draws->data() : nullptr;
                 nb::gil_scoped_release released;
                 self.session.gradient(theta.data(), seed, positions.data(), of_rows, int(positions.shape(0)), gradient.data());
             },
             "theta"_a, "seed"_a, "positions"_a, "draws"_a.none(), "gradient"_a)
        .def("predict",
             [](Engine& self, Vector<const float> theta, Matrix<float> S) {
                 nb::gil_scoped_release released;
                 self.session.predict(theta.data(), S.data());
             })
        .def_prop_ro("arena_bytes", [](const Engine& self) { return self.session.arena_bytes(); });

    m.def("product", [](const std::string& isa, const std::string& which, Matrix<const float> A, Matrix<const float> B,
                        Matrix<float> C, int64_t repeats) {
        const Functions& set = instruction_set(isa);
        const bool dW = which == "dW";
        const int M = int(C.shape(0)), N = int(C.shape(1)), K = int(A.shape(dW ? 0 : 1));
        auto padded = [](Matrix<const float> from) {
            const int64_t stride = stride_of(int64_t(from.shape(1)));
            std::vector<float> to(from.shape(0) * stride + 16, 0.0f);
            for (size_t i = 0; i < from.shape(0); i++)
                std::copy_n(from.data() + i * from.shape(1), from.shape(1), to.data() + i * stride);
            return std::pair(std::move(to), stride);
        };
        auto [a, a_stride] = padded(A);
        auto [b, b_stride] = padded(B);
        const int64_t c_stride = stride_of(N);
        std::vector<float> c(M * c_stride + 16);
        const float *a_data = a.data(), *b_data = b.data();
        const int64_t a_m = dW ? 1 : a_stride, a_k = dW ? a_stride : 1, b_k = b_stride;
        const double took = timed([&] {
            for (int64_t i = 0; i < repeats; i++)
                set.product(a_data, a_m, a_k, b_data, b_k, c.data(), c_stride, M, K, int(lines(N)));
        });
        for (int i = 0; i < M; i++) std::copy_n(c.data() + i * c_stride, N, C.data() + int64_t(i) * N);
        return took;
    });
    m.def("peak", [](const std::string& isa) {
        const Functions& set = instruction_set(isa);
        constexpr int64_t ROUNDS = 5'000'000;
        float result[16];
        return 2.0 * 12 * set.width * ROUNDS / timed([&] { set.multiply_add(ROUNDS, result); });
    });
    m.def("activate", [](const std::string& isa, const std::string& name, Vector<const float> x, Vector<float> y,
                         Vector<float> slope) {
        const Functions& set = instruction_set(isa);
        set.apply(place(set.activations, name), x.data(), y.data(), slope.data(), int64_t(x.shape(0)));
    });
    m.def("elementary", [](const std::string& isa, int which, Vector<const float> x, Vector<float> y) {
        instruction_set(isa).elementary(which, x.data(), y.data(), int64_t(x.shape(0)));
    });
}
