// A network, an optimizer and a table, laid out in memory for one instruction set's code to run.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "layout.hpp"
#include "threads.hpp"

namespace backlit {

// The layers as Python describes them.
struct LayerSpec {
    int kind = 0;      // its place in `Session::layer_kinds()`
    int position = 0;  // in the network, from 0
    int d_in = 0, d_out = 0;
    int activation = 0;
    float epsilon = 0;
    double rate = 0;  // of dropout
    std::vector<std::vector<double>> edges;
    struct Place {  // of a slot in theta
        int64_t start = 0;
        float rate = 1, decay = 1;
    };
    std::vector<Place> slots;
};

inline int64_t lines(int64_t floats) { return (floats + LANES - 1) / LANES * LANES; }  // whole cache lines

// From one row to the next: an odd number of cache lines from where on an even one would map rows onto each other.
inline int stride_of(int64_t floats) {
    const int64_t n = lines(floats) / LANES;
    return int(LANES * (n >= 8 && n % 2 == 0 ? n + 1 : n));
}

// The seconds that some work takes.
template <class Work>
double timed(Work work) {
    const auto began = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

// Which row of each field the rows of a table use, for one way to part the first W into fields.
struct Codes {
    std::vector<int> fields;  // of each, its first column, how many rows of W, whether it is binned
    std::deque<std::vector<float>> inner_edges;
    std::vector<uint16_t> codes;  // (n, fields)
};

// The encoded rows of a table. They are there once, and so are their codes, whichever sessions train on some of them.
struct Table {
    const float *X, *targets;  // (n, d), (n, targets) or null
    const int64_t* rows;       // (n,) or null
    int64_t n;
    int d, outputs;  // columns of X and of targets
    std::vector<std::weak_ptr<Codes>> codes;

    int64_t code_bytes() const;
};

// The rows of a table that are learnt from. `weights` has one for each row of the table, or is null.
struct Learnt {
    const int64_t* positions;
    int64_t count;
    const float* weights;
};

const std::vector<const Functions*>& instruction_sets();  // those this processor has, the fastest first

class Session {
   public:
    // batch: the most rows of a step. Without rows to learn from only predict may be called.
    Session(const Functions& functions, const std::vector<LayerSpec>& layers, const Loss& loss,
            const std::vector<float>& levels, const Optimizer& optimizer, Table& table,
            const std::optional<Learnt>& learnt, int batch, int threads);

    ~Session();

    static std::vector<std::string> layer_kinds();

    // The steps of a stretch on theta and memory, in place. Ends before a step whose E or gradient is not finite; returns
    // the number of steps made. `stretch` holds everything but from and to.
    int train(float* theta, float* const* memory, Stretch stretch);
    // ∂E/∂theta of some rows of the table, at most a batch; `draws` are those of their dropout.
    void gradient(const float* theta, uint64_t seed, const int64_t* positions, const uint32_t* draws, int count, float* result);
    void predict(const float* theta, float* S);

    int64_t arena_bytes() const { return 4 * arena_size; }

   private:
    static const std::vector<struct LayerKind>& kinds();
    void add_dense(const LayerSpec&);
    void add_bins(const LayerSpec&);
    void add_dropout(const LayerSpec&);
    void add_norm(const LayerSpec&);
    void add_fields();
    std::shared_ptr<Codes> codes_of(Table& table);
    void add_items();
    void add_slots(const LayerSpec&, std::vector<Slot>);
    void want(float*& place, int64_t floats);
    void want_activations(Layer&);
    int64_t floats_of(const Layer&) const;  // in its Y
    void load(const float* theta, float* const* memory);
    void unload(float* theta, float* const* memory) const;
    template <bool BACK, class Theta> void copy(Theta* theta, float* kept) const;
    void run(const Stretch& stretch, int steps);
    bool gather_team();
    double make_steps(Stretch stretch, int from, int to, bool shared);  // and the seconds that it took
    void draw_units(uint64_t seed);

    const Functions& functions;
    Layout layout{};
    std::optional<Learnt> learnt;
    bool training;
    std::vector<std::vector<double>> edges;  // of bins that the next layer is to encode
    const LayerSpec* last = nullptr;
    std::vector<Layer> layers;
    std::deque<std::vector<Slot>> slots;
    std::vector<Item> items;
    std::vector<Field> fields;
    std::vector<float> levels;
    std::shared_ptr<Codes> codes;
    std::deque<std::vector<float>> inner_edges;
    std::deque<std::vector<double>> bins;
    struct Units {
        int layer, mask, position, units;
    };
    std::vector<Units> units;  // of every mask
    std::deque<std::vector<uint32_t>> unit_draws;
    uint64_t seed = 0;
    bool seeded = false;

    std::vector<std::pair<float**, int64_t>> wanted;
    struct Free {
        void operator()(float*) const;
    };
    std::unique_ptr<float, Free> arena;
    int64_t arena_size = 0;

    int threads;
    std::unique_ptr<Team> team;
    int64_t team_process = -1;
    double together = 0, alone = 0;  // seconds a step
    int short_stretches = 0;
};

}  // namespace backlit
