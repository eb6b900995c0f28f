package imageio

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// A Picture is one of the pictures that a file holds.
type Picture struct {
	Name   string // what tells it from the others of its file, such as "t3" or "page2"; empty if it is the only one
	Format string // of the file: "png", "tiff" ...
	Decode func() (*Image, error)
}

// Pictures lists the pictures of a file that [Options.Select] asks for: of most files one, of a time series each time. note is one line for people about what
// was chosen and what was left, empty if there was no choice. The file is open only now and while one of them is decoded; errors are those of [Open].
func Pictures(path string, o Options) (list []Picture, note string, err error) {
	h := &handle{path: path}
	size, err := h.acquire()
	if err != nil {
		return nil, "", inFile(path, err)
	}
	defer h.release()
	all, note, err := pictures(h, size, o)
	if kind := namedAs(path); kind.name != "" {
		isPreview := hasExt(path, previewNames) && len(all) > 0 && (all[0].format == "tiff" || all[0].format == "jpeg")
		if isPreview || errors.Is(err, errNotAPicture) {
			err = kind
		}
	}
	if err != nil {
		return nil, "", inFile(path, err)
	}
	for _, p := range all {
		list = append(list, Picture{p.label, p.format, func() (*Image, error) {
			if _, err := h.acquire(); err != nil {
				return nil, inFile(path, err)
			}
			defer h.release()
			m, err := p.decode(o)
			return m, inFile(path, err)
		}})
	}
	return list, note, nil
}

// PicturesIn lists the pictures in the first size bytes of r as [Pictures] does those of a file; r is read when they are decoded.
func PicturesIn(r io.ReaderAt, size int64, o Options) (list []Picture, note string, err error) {
	all, note, err := pictures(r, size, o)
	if err != nil {
		return nil, "", fmt.Errorf("imageio: %w", err)
	}
	for _, p := range all {
		list = append(list, Picture{p.label, p.format, func() (*Image, error) {
			m, err := p.decode(o)
			if err != nil {
				return nil, fmt.Errorf("imageio: %w", err)
			}
			return m, nil
		}})
	}
	return list, note, nil
}

// A source is a picture in a file of a known format.
type source struct {
	format string
	label  string
	header func() (header, error)
}

// pictures lists the wanted ones of the first size bytes of r.
func pictures(r io.ReaderAt, size int64, o Options) (list []source, note string, err error) {
	defer recovered(&err)
	src := io.NewSectionReader(r, 0, size)
	f, err := sniff(src)
	if err != nil {
		return nil, "", err
	}
	if f.name == "tiff" {
		return tiffPictures(src, o)
	}
	if isAnimation(f.name, src) {
		note = firstFrame
	}
	return []source{{format: f.name, header: func() (header, error) { return f.header(src) }}}, note, nil
}

// firstFrame is said of animations.
const firstFrame = "the first frame of an animation"

// recovered makes an error of a panic. The decoders are fuzzed, but a run over a night's photos must not end with one of them.
func recovered(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("decoder failed: %v", p)
	}
}

// decode gives the picture upright, with 8 bits, and checks its size before pixels are allocated.
func (s source) decode(o Options) (m *Image, err error) {
	defer recovered(&err)
	header, err := s.header()
	if err != nil {
		return nil, explain(err)
	}
	if err := o.check(header.width, header.height); err != nil {
		return nil, err
	}
	m, err = header.image(o)
	if err != nil {
		return nil, explain(err)
	}
	if m.Width != header.width || m.Height != header.height {
		return nil, fmt.Errorf("%s: header says %dx%d pixels, data says %dx%d", s.format, header.width, header.height, m.Width, m.Height)
	}
	m.PixelSize = header.pixelSize
	if !o.IgnoreOrientation {
		m = upright(m, header.orientation)
	}
	return m, nil
}

// A handle is a file that is open only while it is used.
type handle struct {
	path  string
	mu    sync.Mutex
	file  *os.File
	users int
}

// acquire opens the file if nobody uses it, and gives its size.
func (h *handle) acquire() (size int64, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.users == 0 {
		if h.file, err = os.Open(h.path); err != nil {
			return 0, err
		}
	}
	st, err := h.file.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	if err != nil {
		if h.users == 0 {
			h.file.Close()
		}
		return 0, err
	}
	h.users++
	return st.Size(), nil
}

func (h *handle) release() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.users--; h.users == 0 {
		h.file.Close()
	}
}

// ReadAt may be called between acquire and release.
func (h *handle) ReadAt(p []byte, at int64) (int, error) { return h.file.ReadAt(p, at) }
