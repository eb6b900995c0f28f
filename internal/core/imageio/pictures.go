package imageio

import "io"

// A Picture is one of the pictures that a file holds.
type Picture struct {
	Name   string // what tells it from the others of its file, such as "t=3" or "page 2"; empty if it is the only one
	Decode func() (*Image, error)
}

// Pictures lists the pictures of a file that are wanted: of most files one, of a time series each time. note is one line for people about what was chosen
// and what was left, empty if there was no choice. The file is opened again when a picture is decoded; errors are those of [Open].
func Pictures(path string, o Options) (pictures []Picture, note string, err error) {
	return []Picture{{Decode: func() (*Image, error) { return Open(path, o) }}}, "", nil
}

// PicturesIn lists the pictures in the first size bytes of r as [Pictures] does those of a file; r is read when they are decoded.
func PicturesIn(r io.ReaderAt, size int64, o Options) (pictures []Picture, note string, err error) {
	return []Picture{{Decode: func() (*Image, error) { return Decode(r, size, o) }}}, "", nil
}
