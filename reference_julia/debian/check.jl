# Is this Julia fit for the ladder? Prints what it is and, if it survives to the end, "all well".

using LinearAlgebra

VERSION >= v"1.5" || (println("Julia $VERSION is too old; the ladder needs 1.5 or newer."); exit(1))
println("Julia $VERSION")

# With an incompatible libunwind, Julia dies silently of an exception, even of a caught one, that is thrown
# through compiled code.
descend(depth) = depth > 3 ? error("boom") : descend(depth + 1)
caught = try
    descend(0)
    false
catch
    true
end
caught || (println("an exception was not caught"); exit(1))

# Small whole numbers, so that the products are exact in any order of summation.
a = Float64[mod(3i + 7j, 11) for i in 1:50, j in 1:60]
b = Float64[mod(5i + 2j, 13) for i in 1:60, j in 1:40]
by_hand = [sum(a[i, k] * b[k, j] for k in 1:60) for i in 1:50, j in 1:40]
a * b == by_hand || (println("BLAS multiplies wrongly"); exit(1))

println("all well")
