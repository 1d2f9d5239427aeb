// The records of one kind by name, as in core/registry.py: the engine's tables and Python's are compared by name.
#pragma once

#include "simd.hpp"

namespace backlit::BACKLIT_ISA {

template <class T>
struct Type {
    using type = T;
};

template <class... T>
struct Registry {
    static constexpr const char* names[] = {T::name..., nullptr};
};

// f(Type<T>{}) for the record T whose place is `which`.
template <class F, class T, class... Rest>
inline decltype(auto) pick(int which, F&& f, Registry<T, Rest...>) {
    if constexpr (sizeof...(Rest) > 0)
        if (which > 0) return pick(which - 1, f, Registry<Rest...>{});
    return f(Type<T>{});
}

}  // namespace backlit::BACKLIT_ISA
