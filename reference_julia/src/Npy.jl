"""
NumPy's .npy files (format 1.0, little-endian), as far as the ladder needs them.

A row-major array of shape (n, d) is, in memory, Julia's column-major (d, n): axes come reversed, nothing is
transposed. So (batch, features) there is (features, batch) here.
"""
module Npy

const MAGIC = UInt8[0x93, b"NUMPY"..., 1, 0]
const TYPES = Dict("<f8" => Float64, "<f4" => Float32, "<i8" => Int64, "|u1" => UInt8)
const NAMES = Dict(type => name for (name, type) in TYPES)

"""Read an array with its axes reversed; a 0-dimensional array stays one."""
function load(path)
    open(path) do io
        read(io, length(MAGIC)) == MAGIC || error("$path is no .npy file of format 1.0")
        header = String(read(io, ltoh(read(io, UInt16))))
        fields = match(r"'descr': '(.*?)', 'fortran_order': False, 'shape': \((.*?)\)", header)
        fields === nothing && error("$path: cannot read the header $header")
        type = get(TYPES, fields[1]) do
            error("$path holds $(fields[1]); known are $(join(keys(TYPES), ", "))")
        end
        shape = parse.(Int, split(fields[2], r"[, ]+", keepempty=false))
        return map(ltoh, read!(io, Array{type}(undef, reverse(shape)...)))
    end
end

"""Write an array, or a number, with its axes reversed."""
function save(path, array::AbstractArray)
    shape = join(("$n," for n in reverse(size(array))), " ")
    header = "{'descr': '$(NAMES[eltype(array)])', 'fortran_order': False, 'shape': ($shape), }"
    # The data starts at a multiple of 64; the header is padded to it and ends with a newline.
    header = rpad(header, 64 * cld(length(MAGIC) + 2 + length(header) + 1, 64) - length(MAGIC) - 3) * "\n"
    open(path, "w") do io
        write(io, MAGIC, htol(UInt16(length(header))), header, map(htol, Array(array)))
    end
end

save(path, number::Number) = save(path, fill(number))

end
