# MNIST's four published files: IDX, plain or compressed by gzip.

"""The pictures (784, n) of an IDX file, binarized, one column each in raster order."""
function binarized_images(path)
    bytes = idx_bytes(path)
    magic, count, rows, columns = ntoh.(reinterpret(Int32, bytes[1:16]))
    (magic, rows, columns) == (2051, 28, 28) || error("$path holds no 28 x 28 pictures in IDX form")
    return Float32.(reshape(bytes[17:end], 784, Int(count)) .>= 128)
end

idx_bytes(path) = isfile(path) ? read(path) : isfile("$path.gz") ? read(`gzip -dc $path.gz`) :
    error("neither $path nor $path.gz is there: set MNIST_DIR to the folder with MNIST's files")
