// Package weights reads the weights of a model, whatever system wrote them, under names by place in our graph.
//
// [Open] takes a file or folder, [Load] anything with ReadAt. The result is a [File]: named [Tensor] values in the
// layouts of the graph (convolution [kh, kw, in, out], dense [in, out] with rows ordered (y, x, c), deconvolution
// [kh, kw, out, in]). [Check] compares it with what a graph wants and lists every problem at once; [Convert] makes the
// project's native file of it, which is safetensors and is mapped, not read.
package weights
