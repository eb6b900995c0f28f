package safetensors

import "errors"

// One error per rule of the format. The reader wraps them with the byte of the header, or of the index, or the tensor at fault.
var (
	ErrShort        = errors.New("file is shorter than the 8 bytes of the header length")
	ErrHeaderLarge  = errors.New("header is larger than allowed")
	ErrHeaderBeyond = errors.New("header reaches beyond the end of the file")
	ErrHeaderStart  = errors.New("header does not start with {")
	ErrUTF8         = errors.New("header is not valid UTF-8")
	ErrSyntax       = errors.New("malformed JSON")
	ErrField        = errors.New("unknown or missing field")
	ErrDuplicate    = errors.New("duplicate name")
	ErrMetadata     = errors.New("__metadata__ is not an object of strings")
	ErrTensors      = errors.New("more tensors than allowed")
	ErrName         = errors.New("name is longer than allowed")
	ErrRank         = errors.New("more dimensions than allowed")
	ErrType         = errors.New("element type is not supported")
	ErrOverflow     = errors.New("number of elements overflows")
	ErrOffsets      = errors.New("end lies before begin")
	ErrLength       = errors.New("length of the data is not that of the shape")
	ErrHole         = errors.New("hole before the data of the tensor")
	ErrOverlap      = errors.New("data overlaps another tensor")
	ErrBeyond       = errors.New("data reaches beyond the end of the file")
	ErrShard        = errors.New("not the name of a file in the same folder")
	ErrShards       = errors.New("more files than allowed")
	ErrTrailing     = errors.New("bytes behind the last tensor")
)
