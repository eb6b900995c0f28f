package imageio

import "errors"

// A Shape is the size of a picture as it is stored, in pixels, and its EXIF orientation, 1…8; 0 if the file says none.
type Shape struct{ Width, Height, Orientation int }

// Upright gives the size of the picture as it is shown.
func (s Shape) Upright() (width, height int) {
	if s.Orientation >= 5 {
		return s.Height, s.Width
	}
	return s.Width, s.Height
}

// Turns reports whether the picture is shown otherwise than it is stored.
func (s Shape) Turns() bool { return s.Orientation >= 2 && s.Orientation <= 8 }

// ShapeOf reads the shape of the first picture that [Pictures] lists, without its pixels. Errors are those of [Open].
func ShapeOf(path string, o Options) (s Shape, err error) {
	defer func() { err = inFile(path, err) }()
	defer recovered(&err)
	h := &handle{path: path}
	size, err := h.acquire()
	if err != nil {
		return s, err
	}
	defer h.release()
	all, _, err := pictures(h, size, o)
	if err != nil {
		return s, err
	}
	if len(all) == 0 {
		return s, errors.New("no picture")
	}
	header, err := all[0].header()
	if err != nil {
		return s, explain(err)
	}
	return Shape{header.width, header.height, header.orientation}, nil
}
