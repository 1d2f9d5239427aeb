// The records of one kind by name, as in core/registry.py: the engine's tables and Python's are compared by name. A record
// declares the numbers that it takes by their names in Python, in the order in which they come.
#pragma once

#include "layout.hpp"
#include "simd.hpp"

namespace backlit::BACKLIT_ISA {

template <class T>
struct Type {
    using type = T;
};

template <class T>
constexpr Declared declared() {
    Declared record{T::name, {}};
    if constexpr (requires { T::numbers; }) {
        int i = 0;
        for (const char* number : T::numbers) record.numbers[i++] = number;
    }
    return record;
}

template <class... T>
struct Registry {
    static constexpr Declared records[] = {declared<T>()..., {}};
};

// f(Type<T>{}) for the record T whose place is `which`.
template <class F, class T, class... Rest>
inline decltype(auto) pick(int which, F&& f, Registry<T, Rest...>) {
    if constexpr (sizeof...(Rest) > 0)
        if (which > 0) return pick(which - 1, f, Registry<Rest...>{});
    return f(Type<T>{});
}

}  // namespace backlit::BACKLIT_ISA
