# The process that holds a Julia solution: `julia host.jl REQUESTS REPLIES FOLDER WORK`.
#
# REQUESTS and REPLIES are inherited file descriptors; FOLDER is copied to WORK, where the solution runs. It needs
# Julia 1.5 or newer and no package. process.py describes the requests and replies; host.py does the same for Python.

module Host

const KINDS = Dict("f4" => Float32, "f8" => Float64, "b1" => Bool)
const LONGEST_MESSAGE = 600
const REQUESTS, REPLIES = Ref{IO}(), Ref{IO}()
const SHOWN_NAMES = 8 # of a file that has none of those that are asked for

mutable struct Solution
    mod::Module
    holders::Vector{Any}
    names::Dict{String,String}
    own::Dict{String,Any}
    words::Dict{String,String}
    calls::Dict{String,Int}
    stand_ins::Set{String}
    draws_freely::Bool
end

"""A function is defined but not written yet."""
struct UnwrittenError <: Exception end

# --- the pipes ---

next_words(io) = String.(split(readline(io), '\t'))
next_request(io) = (words=next_words(io), arrays=[next_array(io) for _ in 1:parse(Int, readline(io))])

function next_array(io)
    words = next_words(io)
    return read!(io, Array{KINDS[words[1]]}(undef, parse.(Int, words[2:end])...))
end

clean(word) = first(replace(string(word), r"[\t\n]+" => " "), LONGEST_MESSAGE)

"""Write a line of words, a line with the number of arrays, then each array."""
function reply(io, words, arrays)
    println(io, join(map(clean, words), '\t'))
    println(io, length(arrays))
    for array in arrays
        kind = eltype(array) == Float32 ? "f4" : "f8"
        println(io, join([kind; collect(string.(size(array)))], '\t'))
        write(io, array)
    end
    flush(io)
end

"""Let the judge, who listens while a function of the solution is called, compute another function."""
function ask(name, arrays)
    reply(REPLIES[], ["ask", name], arrays)
    words, found = next_request(REQUESTS[])
    words[1] == "error" && error(words[2])
    return found
end

"""A 0-dimensional array as a number; others are copied."""
give(array) = ndims(array) > 0 ? copy(array) : isinteger(array[]) ? Int(array[]) : array[]

"""A result as arrays of Float32 or Float64."""
flat(value::Number) = [fill(value isa Float32 ? value : Float64(value))]
flat(value::AbstractArray{Float32}) = [Array(value)]
flat(value::AbstractArray{<:Number}) = [Array{Float64}(value)]
flat(value::Union{Tuple,NamedTuple}) = reduce(vcat, map(flat, collect(Any, values(value))))
function flat(value)
    value isa AbstractArray && !isempty(value) && !(first(value) isa AbstractArray) && return [Float64.(value)]
    value === nothing && error("it returned nothing: does it end in a value?")
    value isa Union{AbstractString,Function} && error("it returned a $(typeof(value)), not numbers")
    return reduce(vcat, [flat(part) for part in value])
end

stack(arrays) = permutedims(cat(arrays...; dims=ndims(arrays[1]) + 1), [ndims(arrays[1]) + 1; 1:ndims(arrays[1])])

# --- the solution ---

function reach(mod, dotted)
    value = mod
    for part in split(dotted, '.')
        value = value isa Module ? getfield(value, Symbol(part)) : getproperty(value, Symbol(part))
    end
    return value
end

function find(solution, word)
    for holder in solution.holders
        try
            return reach(holder, word)
        catch
        end
    end
    return nothing
end

function load(path, holder, names)
    mod = Module(:Solution)
    Core.eval(mod, :(include(path) = Base.include($mod, path)))
    Core.eval(mod, :(eval(code) = Core.eval($mod, code)))
    Base.include(mod, path)
    return Base.invokelatest(describe_solution, mod, holder, names)
end

function describe_solution(mod, holder, names)
    holders = isempty(holder) ? Any[mod] : Any[reach(mod, holder), mod]
    solution = Solution(mod, holders, Dict(), Dict(), Dict(), Dict(), Set(), false)
    for (name, words) in names, word in split(words, '|')
        get!(solution.words, name, word)
        value = haskey(solution.names, name) ? nothing : find(solution, word)
        value === nothing && continue
        solution.names[name] = word
        solution.own[name] = value
    end
    networks = [get(solution.own, name, nothing) for name in ("encoder", "decoder")]
    solution.own["known_loss"] = (x, given...) -> known_loss(x, (isempty(given) ? networks : given)...)
    return solution
end

framework(mod) = isdefined(mod, :Flux) ? "flux" : "julia"

"""Describe the file to the judge: the framework, and which of the names it defines.

If it defines none: the modules that have such names, and some names that it does define.
"""
function description(solution, names)
    mod = solution.mod
    isempty(solution.names) && answers(solution) === nothing || return [framework(mod); collect(keys(solution.names))]
    words = Set(word for each in values(names) for word in split(each, '|'))
    own = [name for name in Base.names(mod; all=true) if isdefined(mod, name) && !(name in (:Solution, :include, :eval))]
    filter!(name -> !startswith(string(name), '#'), own)
    modules = [name for name in own if getfield(mod, name) isa Module]
    holders = filter(name -> any(word -> isdefined(getfield(mod, name), Symbol(word)), words), modules)
    some(found) = join(found[1:min(end, SHOWN_NAMES)], ' ')
    return ["nothing", some(holders), some(setdiff(own, modules))]
end

"""Replace the solution's own function by a known one, if it is a global that can be replaced."""
function put!(solution, name, arity, known)
    word = get(solution.names, name, solution.words[name])
    occursin('.', word) && return
    mod = solution.holders[1] isa Module ? solution.holders[1] : solution.mod
    symbol, own = Symbol(word), get(solution.own, name, nothing)
    if !isdefined(mod, symbol) || !isconst(mod, symbol)
        Core.eval(mod, Expr(:(=), symbol, known))
    elseif own isa Function
        # A function's name cannot be rebound, so each of its methods is redefined.
        rewritten = false
        for method in methods(own)
            types = Base.unwrap_unionall(method.sig).parameters[2:end]
            (length(types) < arity || any(Base.isvarargtype, types)) && continue
            variables = [Symbol(:a, n) for n in 1:length(types)]
            typed = [:($v::$(Base.rewrap_unionall(t, method.sig))) for (v, t) in zip(variables, types)]
            Core.eval(mod, :($symbol($(typed...)) = $known($(variables...))))
            rewritten |= length(types) == arity
        end
        rewritten || Core.eval(mod, :($symbol(arguments::Vararg{Any,$arity}) = $known(arguments...)))
    end
end

"""Let the judge compute a function of `arity` arguments wherever it is called by name."""
function stand_in!(solution, name, arity)
    push!(solution.stand_ins, name)
    name == "sample_diag_gaussian" && return # the known sampler stands there
    function asked(arguments...)
        found = ask(name, [flat(argument)[1] for argument in arguments[1:arity]])
        return name == "batches" ? found : give(found[1])
    end
    put!(solution, name, arity, asked)
end

function know!(solution, layout, form, ends, decoder, encoder, noises)
    count!(key) = solution.calls[key] = get(solution.calls, key, 0) + 1
    function run(weights, x)
        hidden_weight, hidden_bias, output_weight, output_bias = (float(eltype(x)).(weight) for weight in weights)
        layout == "features-first" || ndims(x) == 1 ||
            return permutedims(output_weight * tanh.(hidden_weight * permutedims(x) .+ hidden_bias) .+ output_bias)
        return output_weight * tanh.(hidden_weight * x .+ hidden_bias) .+ output_bias
    end
    function known_decoder(z)
        count!("decoder")
        logits = run(decoder, z)
        return ends == "sigmoid" ? 1 ./ (1 .+ exp.(-logits)) : logits
    end
    function known_encoder(x)
        count!("encoder")
        output = run(encoder, x)
        form == "stacked" && return output
        ndims(output) == 1 && return output[1:2], output[3:4]
        return layout == "features-first" ? (output[1:2, :], output[3:4, :]) : (output[:, 1:2], output[:, 3:4])
    end
    function known_sampler(mean, log_std)
        at = solution.draws_freely ? nothing : findfirst(noise -> size(noise) == size(mean), noises)
        count!(at === nothing ? "unknown" : "sampler")
        noise = at === nothing ? randn(eltype(mean), size(mean)) : eltype(mean).(noises[at])
        return mean .+ exp.(log_std) .* noise
    end
    put!(solution, "decoder", 1, known_decoder)
    put!(solution, "encoder", 1, known_encoder)
    put!(solution, "sample_diag_gaussian", 2, known_sampler)
end

"""Bools as a BitArray, as from `x .> 0.5`."""
as_bits(array) = array isa Array{Bool} ? BitArray(array) : array

function call(solution, name, repeats, arguments, way)
    f = way == "own" ? solution.own[name] : find(solution, solution.names[name])
    empty!(solution.calls)
    solution.draws_freely = way == "free"
    kind = applicable(f, map(as_bits ∘ give, arguments)...) ? as_bits : identity
    found = [flat(written(f, f(map(kind ∘ give, arguments)...))) for _ in 1:repeats]
    results = repeats == 1 ? found[1] : [stack([each[n] for each in found]) for n in eachindex(found[1])]
    return results, ["$key=$count" for (key, count) in solution.calls]
end

"""A function's result. A function that only returns nothing, or a string, is not written yet."""
function written(f, result)
    is_bare = f isa Function && length(first(code_lowered(f)).code) == 1
    is_bare && result isa Union{Nothing,AbstractString} && throw(UnwrittenError())
    return result
end

# --- training ---

const SEEN = Any[]
record!(x, marks) = (push!(SEEN, marks * (size(x, 1) == 784 ? x : permutedims(x))); nothing)

"""Tell Zygote, if the solution uses it, that recording batches is not part of the loss."""
function forget_records(mod)
    isdefined(mod, :Flux) || return
    try
        rules = getfield(mod, :Flux).Zygote.ChainRulesCore
        nothing_known = rules.NoTangent()
        Core.eval(
            @__MODULE__,
            :($(rules).rrule(::typeof(record!), x, marks) = (record!(x, marks), _ -> ($nothing_known, $nothing_known, $nothing_known))),
        )
    catch error
        @warn "batches are not recorded" error
    end
end

"""A squared error through both networks: not the assignment's loss, but one that training lowers."""
function known_loss(x, encode, decode)
    features_first = size(x, 1) == 784
    output = encode(x)
    mean = output isa Tuple ? output[1] : features_first ? output[1:2, :] : output[:, 1:2]
    return sum((1 ./ (1 .+ exp.(-decode(mean))) .- x) .^ 2) / size(x, features_first ? 2 : 1)
end

"""Train, and report which images each batch held; `measure` is the loss: "loss", its own, or "known_loss"."""
function train(solution, name, epochs, measure, train_images, test_images, marks)
    forget_records(solution.mod)
    train_images, test_images = as_bits(train_images), as_bits(test_images)
    own_loss = solution.own[measure]
    recorded(x, rest...) = (record!(x, marks); own_loss(x, rest...))
    empty!(SEEN)
    measure == "known_loss" && put!(solution, "loss", 1, recorded)
    try
        Base.invokelatest(start_training, solution, name, epochs, train_images, test_images, recorded)
    catch
        isempty(SEEN) && rethrow()
        empty!(SEEN) # its gradient cannot see through the books: it is trained without
        Base.invokelatest(start_training, solution, name, epochs, train_images, test_images, own_loss)
    end
    return [Float64.(marked) for marked in SEEN]
end

function start_training(solution, name, epochs, train_images, test_images, loss)
    f = solution.own[name]
    encoder, decoder = get(solution.own, "encoder", nothing), get(solution.own, "decoder", nothing)
    axis = size(train_images, 1) == 784 ? 2 : 1
    parts = Iterators.partition(axes(train_images, axis), 100)
    batches = [axis == 2 ? train_images[:, part] : train_images[part, :] for part in parts]
    orders = (
        (loss, encoder, decoder, train_images, test_images),
        (loss, encoder, decoder, train_images),
        (loss, train_images, test_images),
        (loss, train_images),
        (encoder, decoder, batches),
        (train_images, test_images),
        (train_images,),
    )
    # Several may fit where arguments have no types: the next is tried where one fails.
    ways = Any[]
    for arguments in orders, option in (:nepochs, :epochs)
        hasmethod(f, Tuple{map(typeof, arguments)...}, (option,)) &&
            push!(ways, () -> f(arguments...; NamedTuple{(option,)}((epochs,))...))
    end
    for arguments in orders
        applicable(f, arguments..., epochs) && push!(ways, () -> f(arguments..., epochs))
    end
    for way in ways[1:max(end - 1, 0)]
        try
            return way()
        catch
        end
    end
    isempty(ways) || return ways[end]()
    error("it takes none of (loss, encoder, decoder, train_x, test_x; nepochs), (train_x; nepochs), (train_x, nepochs)")
end

function answers(solution)
    found = find(solution, "answers")
    found === nothing && return nothing
    return found isa AbstractDict || found isa NamedTuple ? collect(values(found)) : collect(found)
end

# --- serving ---

"""One line that says where and how a solution failed."""
function describe(error, trace)
    line = nothing
    while error isa LoadError
        line = error.line
        error = error.error
    end
    for frame in stacktrace(trace)
        startswith(string(frame.file), pwd()) && (line = frame.line; break)
    end
    kind = replace(string(typeof(error)), r"\{.*" => "")
    said = split(sprint(showerror, error), "\nClosest candidates")[1]
    named = startswith(said, kind) ? said : "$kind: $said"
    return line === nothing ? named : "$named (line $line)"
end

"""Whether an error says that a function is not written yet."""
is_unwritten(error) =
    error isa UnwrittenError ||
    (error isa ErrorException && occursin(r"not (yet )?implemented|to ?do"i, error.msg))

function perform(solution, words, arrays)
    verb, words = words[1], words[2:end]
    if verb == "know"
        know!(solution, words..., arrays[1:4], arrays[5:8], arrays[9:end])
        return ["known"], []
    elseif verb == "stand_in"
        stand_in!(solution, words[1], parse(Int, words[2]))
        return ["known"], []
    elseif verb in ("call", "own", "free")
        name, repeats = words
        found, calls = Base.invokelatest(call, solution, name, parse(Int, repeats), arrays, verb)
        return ["arrays"; calls], found
    elseif verb == "train"
        return ["arrays"], train(solution, words[1], parse(Int, words[2]), words[3], arrays...)
    end
    found = answers(solution)
    return found === nothing ? ["answers"] : ["answers"; "found"; map(string, found)], []
end

function main()
    requests, replies = Base.fdio(parse(Int, ARGS[1])), Base.fdio(parse(Int, ARGS[2]))
    REQUESTS[], REPLIES[] = requests, replies
    source, work = ARGS[3], ARGS[4]
    empty!(ARGS) # the judge's own words are not the solution's
    mkpath(work)
    for file in readdir(source)
        cp(joinpath(source, file), joinpath(work, file); force=true)
    end
    cd(work)
    solution = nothing
    while !eof(requests)
        words, arrays = next_request(requests)
        answered = try
            if words[1] == "load"
                names = Dict(Pair(split(pair, '='; limit=2)...) for pair in words[4:end])
                solution = load(words[2], words[3], names)
                ["loaded"; Base.invokelatest(description, solution, names)], []
            else
                Base.invokelatest(perform, solution, words, arrays)
            end
        catch error
            is_unwritten(error) ? ["unwritten"] : ["error", Base.invokelatest(describe, error, catch_backtrace())], []
        end
        reply(replies, answered...)
    end
end

end

Host.main()
