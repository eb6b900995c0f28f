package tiff

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/spinemask/spinemask/internal/core/samples"
)

// A Page is one picture of a file.
type Page struct {
	Index         int // in File.Pages; of a sub-directory that of the page that it belongs to
	Width, Height int // pixels
	Channels      int // samples of a pixel
	Kind          samples.Kind
	Bits          int // of a sample
	Photometric   Photometric
	Orientation   int  // 1…8, as in EXIF
	Reduced       bool // a smaller version of another page
	IsMask        bool // a transparency mask of another page
	Extra         []ExtraSample

	compression int
	predictor   int
	fillOrder   int
	t4Options   uint32
	planar      bool // each sample has planes of its own
	chunks      layout
	subsample   [2]int // pixels that a sample of chroma covers, across and down
	offsets     entry  // of strips or tiles
	counts      entry
	jpegTables  entry
	at          uint64 // of the directory
	src         *source
	o           *Options
	after       uint64 // of a page without a directory: bytes from the samples of the first page to its own
	invalid     error  // why the page cannot be decoded

}

// An ExtraSample says what a sample beyond those of the colour is (tag ExtraSamples).
type ExtraSample int

const (
	Unspecified     ExtraSample = 0
	AssociatedAlpha ExtraSample = 1 // colours are multiplied with it
	StraightAlpha   ExtraSample = 2
)

// page reads the directory at an offset, and gives the offset of the next one. What makes the page unreadable is kept in it until it is asked for.
func (f *File) page(at uint64) (*Page, uint64, error) {
	entries, next, err := f.src.directory(at)
	if err != nil {
		return nil, 0, err
	}
	return newPage(&f.src, &f.o, at, entries), next, nil
}

func newPage(src *source, o *Options, at uint64, entries []entry) *Page {
	p := &Page{at: at, Channels: 1, Kind: samples.Unsigned, Bits: 1, src: src, o: o}
	if p.invalid = p.read(entries); p.invalid == nil {
		p.invalid = p.supported()
	}
	return p
}

// tag looks for an entry.
func (p *Page) tag(tag uint16) (entry, bool) {
	entries, _, err := p.src.directory(p.at)
	if err != nil {
		return entry{}, false
	}
	return find(entries, tag)
}

func find(entries []entry, tag uint16) (entry, bool) {
	for _, e := range entries {
		if e.tag == tag && e.count > 0 {
			return e, true
		}
	}
	return entry{}, false
}

// text reads an entry of characters up to its end or first zero.
func (p *Page) text(tag uint16) string {
	e, ok := p.tag(tag)
	if !ok || e.width() != 1 {
		return ""
	}
	b, err := p.src.bytes(e.at, min(e.count, maxText))
	if err != nil {
		return ""
	}
	s, _, _ := strings.Cut(string(b), "\x00")
	return s
}

// numbers reads an entry of numbers; nil where there is none.
func (p *Page) numbers(tag uint16, max uint64) []float64 {
	e, ok := p.tag(tag)
	if !ok {
		return nil
	}
	v, err := p.src.values(e, max)
	if err != nil {
		return nil
	}
	return v
}

// Description is the text of the tag ImageDescription.
func (p *Page) Description() string { return p.text(tagImageDescription) }

// read fills the page from its entries. It goes on after what it cannot read as far as pages are told from thumbnails by it.
func (p *Page) read(entries []entry) error {
	var failed error
	number := func(tag uint16, otherwise uint64) uint64 {
		e, ok := find(entries, tag)
		if !ok {
			return otherwise
		}
		v, err := p.src.uints(e, 1)
		if err != nil {
			failed = errors.Join(failed, err)
			return otherwise
		}
		return v[0]
	}
	width, height := number(tagImageWidth, 0), number(tagImageLength, 0)
	if width == 0 || height == 0 || width > math.MaxInt32 || height > math.MaxInt32 {
		return errors.Join(failed, fmt.Errorf("picture of %dx%d pixels", width, height))
	}
	p.Width, p.Height = int(width), int(height)
	sub := number(tagNewSubfileType, 0)
	p.Reduced = sub&1 != 0 || number(tagSubfileType, 1) == 2
	p.IsMask = sub&4 != 0
	if p.Orientation = int(number(tagOrientation, 1)); p.Orientation < 1 || p.Orientation > 8 {
		p.Orientation = 1
	}
	p.compression = int(number(tagCompression, compressionNone))
	p.predictor = int(number(tagPredictor, 1))
	p.fillOrder = int(number(tagFillOrder, 1))
	p.t4Options = uint32(number(tagT4Options, 0))
	channels := number(tagSamplesPerPixel, 1)
	if channels == 0 || channels > math.MaxUint16 {
		return fmt.Errorf("%d samples a pixel", channels)
	}
	p.Channels = int(channels)
	p.planar = number(tagPlanarConfig, 1) == 2 && p.Channels > 1

	guess := BlackIsZero // where the tag, which is required, is missing
	switch {
	case p.Channels >= 3:
		guess = RGB
	case p.isFax():
		guess = WhiteIsZero
	}
	p.Photometric = Photometric(number(tagPhotometric, uint64(guess)))
	if e, ok := find(entries, tagExtraSamples); ok {
		extra, err := p.src.uints(e, channels)
		if err != nil {
			return err
		}
		for _, x := range extra {
			p.Extra = append(p.Extra, ExtraSample(x))
		}
	}
	p.jpegTables, _ = find(entries, tagJPEGTables)
	p.subsample = [2]int{1, 1}
	if p.Photometric == YCbCr {
		p.subsample = [2]int{2, 2}
		if e, ok := find(entries, tagYCbCrSubsampling); ok && e.count >= 2 {
			v, err := p.src.uints(e, 2)
			if err != nil {
				return err
			}
			p.subsample = [2]int{int(v[0]), int(v[1])}
		}
	}
	if failed != nil {
		return failed
	}
	if err := p.readType(entries); err != nil {
		return err
	}
	return p.readLayout(entries, number)
}

func (p *Page) isFax() bool {
	switch p.compression {
	case compressionRLE, compressionFax3, compressionFax4, compressionRLEWord:
		return true
	}
	return false
}

// readType reads what a sample is. All samples of a pixel must be of one type.
func (p *Page) readType(entries []entry) error {
	one := func(tag uint16, what string, otherwise uint64) (uint64, error) {
		e, ok := find(entries, tag)
		if !ok {
			return otherwise, nil
		}
		v, err := p.src.uints(e, uint64(p.Channels))
		if err != nil {
			return 0, err
		}
		for _, x := range v {
			if x != v[0] {
				return 0, fmt.Errorf("samples of different %s %v", what, v)
			}
		}
		return v[0], nil
	}
	p.mendLSM(entries)
	bits, err := one(tagBitsPerSample, "sizes in bits", 1)
	if err != nil {
		return err
	}
	format, err := one(tagSampleFormat, "formats", 1)
	if err != nil {
		return err
	}
	p.Bits = int(min(bits, 1000))
	ok := bits >= 1 && bits <= 32 || bits == 64
	switch format {
	case 1, 4: // undefined is taken for unsigned, as libtiff does
		p.Kind = samples.Unsigned
	case 2:
		p.Kind = samples.Signed
	case 3:
		p.Kind = samples.Float
		ok = bits == 16 || bits == 24 || bits == 32 || bits == 64
	case 5, 6:
		return errors.New("complex numbers are not supported")
	default:
		return fmt.Errorf("sample format %d is not known", format)
	}
	if !ok {
		return fmt.Errorf("%s samples of %d bits are not supported", p.Kind, bits)
	}
	return nil
}

// mendLSM finds the two sizes of samples in the files of Zeiss' LSM, which stand elsewhere although they have room in the entry.
func (p *Page) mendLSM(entries []entry) {
	for i, e := range entries {
		if e.tag != tagBitsPerSample || e.kind != 3 || e.count != 2 {
			continue
		}
		here, err := p.src.uints(e, 2)
		if err != nil || here[0] == here[1] {
			return
		}
		at, err := p.src.uints(entry{kind: 4, count: 1, at: e.at}, 1)
		if err != nil {
			return
		}
		e.at = at[0]
		if there, err := p.src.uints(e, 2); err == nil && there[0] == there[1] {
			entries[i] = e
		}
	}
}
