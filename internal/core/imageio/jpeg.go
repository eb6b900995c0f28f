package imageio

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"slices"
	"strings"
)

// The standard decoder decodes coefficients; what its pixels mean is decided here as libjpeg does it. To get raw planes from it, whatever the colours, it
// is shown a header of ours: the file's frame and tables behind a JFIF or Adobe marker that makes it leave the planes alone.

const (
	jpegMaxTables = 1 << 20 // bytes of tables before the first scan; photos have less than 2 kB
	jpegMaxScans  = 200     // a scan of a few bytes may visit every block of a large progressive picture; encoders write 10 or so
)

// A jpegFrame is what stands in front of the first scan.
type jpegFrame struct {
	width, height int
	comps         []jpegComponent
	progressive   bool
	jfif          bool
	adobe         int // transform of the Adobe marker; -1 = no marker
	orientation   int
	tables        []byte // segments SOFn, DQT, DHT, DRI as they are
	scan          int64  // offset of the first SOS marker
	scanComps     int    // components in the first scan
}

type jpegComponent struct {
	id, h, v int // identifier, sampling factors
}

func jpegHeader(src *io.SectionReader) (header, error) {
	f, err := parseJPEG(src)
	if err != nil {
		return header{}, err
	}
	return header{width: f.width, height: f.height, orientation: f.orientation, decode: func() (*Image, error) { return f.decode(src) }}, nil
}

// parseJPEG reads the segments in front of the first scan (ITU T.81, B.2).
func parseJPEG(src *io.SectionReader) (*jpegFrame, error) {
	f := &jpegFrame{adobe: -1}
	p := segmentReader{r: bufio.NewReader(start(src))}
	if _, err := p.discard(2); err != nil { // SOI
		return nil, err
	}
	for {
		marker, at, err := p.marker()
		if err != nil {
			return nil, err
		}
		if marker >= 0xd0 && marker <= 0xd7 || marker == 0x01 { // RSTn, TEM: no payload
			continue
		}
		if marker == 0xd9 { // EOI
			return nil, errors.New("jpeg: no picture before the end marker")
		}
		seg, err := p.payload()
		if err != nil {
			return nil, err
		}
		switch {
		case marker <= 0xcf && marker >= 0xc0 && marker != 0xc4 && marker != 0xc8 && marker != 0xcc: // SOFn
			if err := f.frame(marker, seg); err != nil {
				return nil, err
			}
			f.keep(marker, seg)
		case marker == 0xc4 || marker == 0xdb || marker == 0xdd: // DHT, DQT, DRI
			f.keep(marker, seg)
		case marker == 0xda: // SOS
			if f.comps == nil {
				return nil, errors.New("jpeg: scan before frame header")
			}
			if len(seg) > 0 {
				f.scanComps = int(seg[0])
			}
			f.scan = at
			return f, nil
		case marker == 0xf7:
			return nil, errors.New("jpeg: JPEG-LS coding is not supported")
		case marker == 0xe0:
			f.jfif = f.jfif || bytes.HasPrefix(seg, []byte("JFIF\x00"))
		case marker == 0xe1:
			if tiff, ok := bytes.CutPrefix(seg, []byte("Exif\x00\x00")); ok && f.orientation == 0 {
				f.orientation = tiffOrientation(bytes.NewReader(tiff))
			}
		case marker == 0xee:
			if bytes.HasPrefix(seg, []byte("Adobe")) && len(seg) >= 12 {
				f.adobe = int(seg[11])
			}
		}
		if len(f.tables) > jpegMaxTables {
			return nil, fmt.Errorf("jpeg: tables of more than %d bytes", jpegMaxTables)
		}
	}
}

func (f *jpegFrame) keep(marker byte, seg []byte) {
	n := len(seg) + 2
	f.tables = append(append(f.tables, 0xff, marker, byte(n>>8), byte(n)), seg...)
}

// frame reads a frame header (T.81, B.2.2).
func (f *jpegFrame) frame(marker byte, seg []byte) error {
	if f.comps != nil {
		return errors.New("jpeg: two frame headers")
	}
	if what := map[byte]string{0xc3: "lossless", 0xc5: "hierarchical", 0xc6: "hierarchical", 0xc7: "hierarchical", 0xc9: "arithmetic", 0xca: "arithmetic", 0xcb: "arithmetic",
		0xcd: "arithmetic", 0xce: "arithmetic", 0xcf: "arithmetic"}[marker]; what != "" {
		text := "jpeg: " + what + " coding is not supported"
		if what == "arithmetic" {
			return transcodable(text)
		}
		return errors.New(text)
	}
	if len(seg) < 6 || len(seg) != 6+3*int(seg[5]) {
		return errors.New("jpeg: frame header of wrong length")
	}
	if seg[0] != 8 {
		return fmt.Errorf("jpeg: %d-bit samples are not supported", seg[0])
	}
	f.progressive = marker == 0xc2
	f.height, f.width = int(seg[1])<<8|int(seg[2]), int(seg[3])<<8|int(seg[4])
	f.comps = make([]jpegComponent, seg[5])
	for i := range f.comps {
		c := seg[6+3*i:]
		f.comps[i] = jpegComponent{int(c[0]), int(c[1] >> 4), int(c[1] & 15)}
	}
	return nil
}

// isRGB tells three components R, G, B from Y, Cb, Cr (jdapimin.c: default_decompress_parms).
func (f *jpegFrame) isRGB() bool {
	if f.jfif {
		return false
	}
	if f.adobe >= 0 {
		return f.adobe == 0
	}
	return f.comps[0].id == 'R' && f.comps[1].id == 'G' && f.comps[2].id == 'B'
}

func (f *jpegFrame) decode(src *io.SectionReader) (*Image, error) {
	scans := &scanReader{r: io.NewSectionReader(src, f.scan, src.Size()-f.scan)}
	// Cameras that are cut off may leave out the end marker; when all samples were in one scan that is no loss.
	if !f.progressive && f.scanComps == len(f.comps) {
		scans.end = []byte{0xff, 0xd9}
	}
	m, err := jpeg.Decode(io.MultiReader(bytes.NewReader(f.leader()), bytes.NewReader(f.tables), scans))
	if err != nil {
		return nil, f.explain(err, scans)
	}
	switch m := m.(type) {
	case *image.Gray:
		return FromImage(m), nil
	case *image.YCbCr:
		out := New(m.Rect.Dx(), m.Rect.Dy())
		if f.isRGB() {
			fromRGBPlanes(out, m)
		} else {
			fromYCbCr(out, m)
		}
		return out, nil
	case *image.CMYK:
		return f.fromInk(m), nil
	}
	return nil, fmt.Errorf("jpeg: unexpected colours (%T)", m)
}

// leader is the start of the stream that the standard decoder sees: it takes three components behind a JFIF marker for Y, Cb, Cr and returns the planes,
// and four components behind an Adobe marker with transform 0 for inverted ink, which it only interleaves.
func (f *jpegFrame) leader() []byte {
	app := "\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
	if len(f.comps) == 4 {
		app = "\xff\xd8\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"
	}
	if f.progressive {
		return []byte(app)
	}
	return append([]byte(app), standardTables...) // those of the file follow and take their place
}

// fromRGBPlanes fills out with planes that hold R, G and B.
func fromRGBPlanes(out *Image, m *image.YCbCr) {
	rows, _, _ := rowsOf(m)
	out.eachRow(func(y int, dst []byte) {
		r := rows.at(y)
		for i, red := range m.Y[y*m.YStride:][:out.Width] {
			dst[3*i], dst[3*i+1], dst[3*i+2] = red, r[0][i], r[1][i]
		}
	})
}

// fromInk converts four components, of which m holds the complements; the two in the middle may be repeated 2×2. They are C, M, Y, K or (YCCK) Y, Cb, Cr, K.
// 255 means no ink, as Adobe writes it, whether the marker is there or not; so does Pillow (JpegImagePlugin.py: "CMYK;I").
func (f *jpegFrame) fromInk(m *image.CMYK) *Image {
	out := New(m.Rect.Dx(), m.Rect.Dy())
	w := out.Width
	rows := f.inkRows(m)
	out.eachRow(func(y int, dst []byte) {
		r := rows.at(y)
		if f.adobe > 0 { // YCCK: R, G, B are the complements of C, M, Y (jdcolor.c: ycck_cmyk_convert)
			yccToRGB(dst, r[0], r[1], r[2])
			for x := range w {
				d := dst[3*x:]
				cmykToRGB(d, d[0], d[1], d[2], 255-r[3][x])
			}
			return
		}
		for x := range w {
			cmykToRGB(dst[3*x:], 255-r[0][x], 255-r[1][x], 255-r[2][x], 255-r[3][x])
		}
	})
	return out
}

// inkRows gives the four components as they are stored.
func (f *jpegFrame) inkRows(m *image.CMYK) *rows {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	var planes [4]plane
	for i := range planes {
		s := f.comps[0].h / f.comps[i].h
		p := plane{stride: (w + s - 1) / s, w: (w + s - 1) / s, h: (h + s - 1) / s, hs: s, vs: s}
		p.pix = make([]byte, p.w*p.h)
		for y := range p.h {
			for x := range p.w {
				p.pix[y*p.w+x] = 255 - m.Pix[m.PixOffset(s*x, s*y)+i]
			}
		}
		planes[i] = p
	}
	return newRows(w, planes[:]...)
}

// explain turns the standard decoder's error into one about the file.
func (f *jpegFrame) explain(err error, scans *scanReader) error {
	if scans.tooMany() {
		return fmt.Errorf("jpeg: more than %d scans", jpegMaxScans)
	}
	if scans.ended {
		return errTruncated
	}
	if errors.Is(err, errMissingFF00) && f.subsampled() && scans.restarts {
		return errRestarts
	}
	const ratio = jpeg.UnsupportedError("luma/chroma subsampling ratio")
	if errors.Is(err, ratio) {
		var factors []string
		for _, c := range f.comps {
			factors = append(factors, fmt.Sprintf("%dx%d", c.h, c.v))
		}
		return fmt.Errorf("jpeg: sampling factors %s are not supported", strings.Join(factors, ","))
	}
	return err
}

// In scans of one component a restart interval counts blocks; the standard decoder counts as many as are interleaved in other scans, and loses its place.
const errRestarts = transcodable("jpeg: restart markers in a progressive picture with subsampled colours are not supported")

// transcodable says what is not supported in a JPEG that libjpeg's jpegtran writes anew in another coding, without decoding it.
type transcodable string

func (e transcodable) Error() string {
	return string(e) + "; convert it without loss with: jpegtran -copy all -outfile OUT.jpg IN"
}

const errMissingFF00 = jpeg.FormatError("missing 0xff00 sequence")

// subsampled tells whether a component has several blocks where another one has one.
func (f *jpegFrame) subsampled() bool {
	return slices.ContainsFunc(f.comps, func(c jpegComponent) bool { return c.h*c.v > 1 })
}

// scanReader passes scans on, counts them, and adds an end when the file has none.
type scanReader struct {
	r     io.Reader
	end   []byte // what follows the last byte
	ended bool   // end was asked for
	last  byte
	scans int

	restarts bool // there was a restart marker
}

func (s *scanReader) tooMany() bool { return s.scans > jpegMaxScans }

func (s *scanReader) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	last := s.last
	for _, b := range p[:n] {
		if last == 0xff {
			switch {
			case b == 0xda:
				s.scans++
			case b >= 0xd0 && b <= 0xd7:
				s.restarts = true
			}
		}
		last = b
	}
	s.last = last
	if s.tooMany() {
		return 0, errors.New("too many scans")
	}
	if err == io.EOF && n == 0 {
		s.ended = true
		n = copy(p, s.end)
		s.end = s.end[n:]
		if n > 0 {
			err = nil
		}
	}
	return n, err
}

// segmentReader reads marker segments.
type segmentReader struct {
	r  *bufio.Reader
	at int64
}

func (p *segmentReader) discard(n int) (int, error) {
	n, err := p.r.Discard(n)
	p.at += int64(n)
	return n, err
}

// marker finds the next marker, over stray bytes as libjpeg does, and tells where it stands.
func (p *segmentReader) marker() (marker byte, at int64, err error) {
	for last := byte(0); ; last = marker {
		if marker, err = p.r.ReadByte(); err != nil {
			return 0, 0, err
		}
		p.at++
		if last == 0xff && marker != 0 && marker != 0xff {
			return marker, p.at - 2, nil
		}
	}
}

// payload reads what follows a marker.
func (p *segmentReader) payload() ([]byte, error) {
	var size [2]byte
	if _, err := io.ReadFull(p.r, size[:]); err != nil {
		return nil, err
	}
	n := int(size[0])<<8 | int(size[1])
	if n < 2 {
		return nil, errors.New("jpeg: segment shorter than its length field")
	}
	b := make([]byte, n-2)
	_, err := io.ReadFull(p.r, b)
	p.at += int64(n)
	return b, err
}
