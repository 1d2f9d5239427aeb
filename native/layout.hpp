// What a step works on: the layers, their weights and buffers, plain data laid out once before the first step.
//
// Every instruction set's code reads these records, so nothing here may hold code that could be compiled for one of them
// and linked into another.
#pragma once

#include <cstdint>

namespace backlit {

constexpr int LANES = 16;  // virtual lanes, and the floats of a cache line

// One slot of theta, and where the engine keeps it: row r of it starts at `at + r · stride` of theta, gradient and memory.
// Rows are padded with zeros, which stay zeros, to whole cache lines.
struct Slot {
    int64_t start;       // in the user's theta
    int rows, cols;   // as kept
    bool transposed;
    int64_t at;
    int stride;
    float rate, decay;
};

// Dropout after a layer: unit j of a row is kept where a mix of the row's draw and the unit's is at least `threshold`.
struct Mask {
    uint32_t threshold;
    float scale;  // 1 / (1 − rate)
    const uint32_t* units;
};

// Some rows of the first W of which each row of the table uses one: the bins of an input, or inputs that are zero but
// for one (the categories of a column).
struct Field {
    int source;  // the column of X; the first one, where it is not binned
    int first, count;
    bool binned;
    const float* edges;   // the count − 1 inner ones, each rounded up to the next float
    const double* left;   // of each bin
    const double* width;
};

constexpr int WEIGHTS = 0, BIAS = 1, GAMMA = 0, BETA = 1;  // where slots of the layers stand

enum class Kind { input, dense, encoded, layer_norm };

struct Layer {
    Kind kind;
    int d_in, d_out;
    int activation;
    float epsilon;
    const Slot* slot;  // its weights, such as slot[WEIGHTS] and slot[BIAS]
    int slots;
    int masks;
    Mask mask[2];

    bool narrow;  // the last layer where it has few outputs: W, Y, D and dY are transposed, Y is (d_out, stride)
    int N;        // d_out in whole cache lines
    int stride;   // from one row of Y, D, dY to the next
    float *Y, *D, *dY;  // the output; dA/dZ times the masks (none where it is not needed); ∂E/∂Y, turned into ∂E/∂Z
    float gate;         // where A is ReLU's: the masks' factors multiplied, the slope wherever Y > 0; else 0
    float* Wt;          // (d_out, Wt_stride): W transposed, for dX
    int Wt_stride;
    float *norm, *deviation;  // layer_norm: N and what it was divided by
    float* prefix;            // encoded: for each bin's row of W the sum of the rows of the bins below it
};

// A share of the second half of a step: the gradient and the update of some kept rows of a slot, or of several slots.
struct Item {
    enum What { weights, bias, field, scale_and_shift } what;
    int layer, slot, slots;  // the first slot, and how many
    int from, to;            // kept rows
    int which;               // field, where it is one
    double cost;
};

constexpr int MOST_NUMBERS = 3;

// `number` holds what a kind of loss or optimizer declares in its registry, in that order.
struct Loss {
    int kind, outputs, targets;
    bool mean;
    float scale;
    double number[MOST_NUMBERS];
    const float* levels;
};

struct Optimizer {
    int kind;
    float weight_decay, clip_norm;
    double number[MOST_NUMBERS];
};

// What a registry declares: a record's name, and those of its numbers.
struct Declared {
    const char* name;
    const char* numbers[MOST_NUMBERS];  // null beyond the last
};

struct Layout {
    Layer* layer;
    int layers;  // layer[0] is the input; every other one has weights
    Item* item;
    int items;
    Field* field;
    int fields;
    bool random;  // whether there is dropout
    Loss loss;
    Optimizer optimizer;

    // The rows of the table
    const float *X, *targets, *weights;
    const uint16_t* codes;  // (n, fields): which row of each field is in use; `count` for none
    const int64_t* rows;
    int d;
    int64_t n;

    // The batch
    int batch, batch_stride;
    float *S, *dS, *T, *e, *w;  // (outputs or targets, batch_stride), and a number for each row
    int32_t* used;              // (batch, fields): the row of W in use, or −1
    float* value;               // (batch, fields): what it is multiplied by
    uint32_t* draw;

    // Everything of theta's size, in the layout of the slots
    float *theta, *gradient, *memory[2];
    int64_t size;
    float *gradient_squares, *update_squares;  // (items, 16): sums of squares, in lanes
    int* scratch;                              // (threads, scratch_size)
    int scratch_size;
};

// What is told of each step, as in engines/protocol.py: a number, or one for each layer that has weights.
struct Figures {
    double *E, *gradient_norm, *update_norm;
    double *layer_gradient_norm, *stuck;
};

// The steps of a stretch.
struct Stretch {
    const int64_t* positions;
    int64_t count;      // of positions
    const double* rates;
    uint64_t seed, step;
    int64_t t;       // steps that the optimizer has made
    Figures figures;
    int from, to;    // which steps
};

struct Team;
void meet(Team*);  // returns when every thread has called it

// What is compiled once for each instruction set.
struct Functions {
    const char* name;
    int width;
    const Declared *activations, *losses, *optimizers;  // in their order, the last one without a name
    void (*encode)(const Layout&, int64_t from, int64_t to, uint16_t* codes);
    void (*train)(const Layout&, const Stretch&, Team*, int thread, int threads);
    void (*gradient)(const Layout&, const int64_t* positions, const uint32_t* draws, int B);
    void (*prepare)(const Layout&);                                  // what is derived from theta
    void (*scores)(const Layout&, int64_t first, int count, float* S);  // (count, outputs), of rows from `first`
    void (*product)(const float* A, int64_t A_m, int64_t A_k, const float* B, int64_t B_k, float* C, int64_t C_m, int M, int K, int N);
    void (*apply)(int activation, const float* x, float* y, float* slope, int64_t n);
    void (*elementary)(int function, const float* x, float* y, int64_t n);
    void (*multiply_add)(int64_t rounds, float* result);
};

#if defined(__x86_64__) || defined(_M_X64)
namespace v3 { extern const Functions functions; }
namespace v4 { extern const Functions functions; }
#else
namespace arm64 { extern const Functions functions; }
#endif

}  // namespace backlit
