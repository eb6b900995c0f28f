package dataset

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"image/png"
	"math"
	"path/filepath"
	"sort"
	"strings"

	"github.com/spinemask/spinemask/internal/core/imageio"
	"github.com/spinemask/spinemask/rle"
)

type labelmeFile struct {
	Shapes      []labelmeShape `json:"shapes"`
	ImagePath   string         `json:"imagePath"`
	ImageData   embedded       `json:"imageData"`
	ImageHeight int            `json:"imageHeight"`
	ImageWidth  int            `json:"imageWidth"`
}

// embedded tells whether a file of labelme holds the picture itself.
type embedded bool

// UnmarshalJSON implements json.Unmarshaler.
func (e *embedded) UnmarshalJSON(data []byte) error {
	*e = data[0] == '"'
	return nil
}

type labelmeShape struct {
	Label     string       `json:"label"`
	Points    [][]float64  `json:"points"`
	GroupID   *json.Number `json:"group_id"`
	ShapeType string       `json:"shape_type"`
	Mask      string       `json:"mask"` // PNG in base64
}

// openLabelme reads files of labelme, of a picture each. Shapes of the same label and
// group are one object. Pictures are upright, as labelme shows them. Shapes are filled
// as labelme 6.3.1 does (utils/shape.py: shape_to_mask).
func openLabelme(files []string, o Options) (*Set, error) {
	s := &Set{Kind: Labelme}
	labels := map[string]int{}
	var parsed []labelmeFile
	var kept []string
	for _, file := range files {
		var f labelmeFile
		data, err := readFile(file)
		if err == nil {
			err = json.Unmarshal(data, &f)
		}
		if err == nil && f.Shapes == nil {
			err = errors.New("not a file of labelme: there are no shapes")
		}
		if err != nil {
			s.fault("unreadable", file, "%s", reasonOf(err))
			continue
		}
		for _, shape := range f.Shapes {
			labels[shape.Label] = 0
		}
		parsed, kept = append(parsed, f), append(kept, file)
	}
	s.number(labels)
	finders := map[string]*Finder{}
	shapes := map[string][]labelmeShape{}
	for i, f := range parsed {
		p, err := findLabelme(kept[i], f.ImagePath, o, finders)
		if err != nil {
			s.fault("file-missing", kept[i], "%v", err)
			continue
		}
		if f.ImageData {
			if err := samePicture(kept[i], p); err != nil {
				s.fault("several-pictures", kept[i], "%v", err)
				continue
			}
		}
		shapes[kept[i]] = f.Shapes
		s.Images = append(s.Images, Image{Name: filepath.ToSlash(filepath.Base(p)), Path: p, Height: f.ImageHeight, Width: f.ImageWidth, Place: kept[i]})
	}
	s.settle(false)
	for i := range s.Images {
		s.addShapes(&s.Images[i], shapes[s.Images[i].Place], labels)
	}
	return s, nil
}

// samePicture wants the picture in a file of labelme, which labelme shows, to be the one that is read of a file with several, of which segment may have been told
// to take another.
func samePicture(file, picture string) error {
	_, note, err := imageio.Pictures(picture, imageio.Options{})
	if err != nil || note == "" {
		return nil // what cannot be read is said elsewhere
	}
	read, err := imageio.Open(picture, imageio.Options{KeepSamples: true})
	if err != nil {
		return nil
	}
	data, err := readFile(file)
	if err != nil {
		return err
	}
	var f struct {
		ImageData []byte `json:"imageData"`
	}
	if err := json.Unmarshal(data, &f); err != nil {
		return fmt.Errorf("imageData: %w", err)
	}
	marked, err := imageio.Decode(bytes.NewReader(f.ImageData), int64(len(f.ImageData)), imageio.Options{})
	if err != nil {
		return fmt.Errorf("imageData: %w", err)
	}
	if marked.Width != read.Width || marked.Height != read.Height || !bytes.Equal(marked.Pix, read.Pix) && !rescaled(read, marked.Pix) {
		return fmt.Errorf("its imageData is another picture than the one that is read of %s (%s); segment --save yolo makes a file of each picture, and labels.yaml", filepath.Base(picture), note)
	}
	return nil
}

// rescaled tells whether the values of a picture, of 8-bit RGB, are others for the samples of up to 16 bits of the one that is read, but the same for equal samples:
// the rule that brings them to 8 bits was another one.
func rescaled(read *imageio.Image, marked []byte) bool {
	s := read.Samples
	switch {
	case s == nil:
		return consistent(read.Pix, 1, marked)
	case s.Channels != 1 && s.Channels != 3:
		return false
	case s.U8 != nil:
		return consistent(s.U8, 3/s.Channels, marked)
	}
	return s.U16 != nil && consistent(s.U16, 3/s.Channels, marked)
}

// consistent tells whether equal samples have equal values, of which there are so many for each.
func consistent[T uint8 | uint16](samples []T, each int, values []byte) bool {
	seen := map[T]byte{}
	for i, s := range samples {
		v := values[each*i]
		if was, known := seen[s]; known && was != v {
			return false
		}
		seen[s] = v
	}
	return true
}

// number makes categories of names, in their order and with ids from 1; names then says
// which is which.
func (s *Set) number(names map[string]int) {
	var list []string
	for name := range names {
		list = append(list, name)
	}
	sort.Strings(list)
	for i, name := range list {
		names[name] = i
		s.Categories = append(s.Categories, Category{ID: i + 1, Name: name})
	}
}

// findLabelme finds the picture of a file: where it says, or in the folder of images.
func findLabelme(file, imagePath string, o Options, finders map[string]*Finder) (string, error) {
	name := strings.ReplaceAll(imagePath, `\`, "/")
	if name == "" {
		name = stem(filepath.Base(file))
	}
	folder := o.Images
	if folder == "" {
		folder = filepath.Dir(file)
		if p := filepath.Join(folder, filepath.FromSlash(name)); isFile(p) {
			return p, nil
		}
	}
	if finders[folder] == nil {
		finders[folder] = NewFinder(folder)
	}
	return finders[folder].Find(name)
}

// addShapes makes objects of the shapes of a picture.
func (s *Set) addShapes(im *Image, shapes []labelmeShape, labels map[string]int) {
	type key struct{ label, group string }
	object := map[key]int{}
	for i, shape := range shapes {
		place := fmt.Sprintf("%s: shapes[%d] (%s)", im.Place, i, shape.Label)
		if shape.Label == "" {
			s.fault("class-missing", place, "the shape has no label")
			continue
		}
		m, ok := s.shapeMask(&shape, im, place)
		if !ok {
			continue
		}
		if shape.GroupID != nil {
			k := key{shape.Label, shape.GroupID.String()}
			if at, known := object[k]; known {
				o := &im.Objects[at]
				*o = masked(o.Category, rle.Union(o.Mask, m), o.Place)
				continue
			}
			object[k] = len(im.Objects)
		}
		im.Objects = append(im.Objects, masked(labels[shape.Label], m, place))
	}
}

// shapeMask fills a shape; ok is false if it is to be left out.
func (s *Set) shapeMask(shape *labelmeShape, im *Image, place string) (m rle.Mask, ok bool) {
	kind := shape.ShapeType
	if kind == "" {
		kind = "polygon"
	}
	var xy []float64
	for _, p := range shape.Points {
		if len(p) != 2 || math.IsNaN(p[0]+p[1]) {
			s.fault("points", place, "a point has %d numbers, want x and y", len(p))
			return m, false
		}
		xy = append(xy, p...)
	}
	want := map[string]int{"rectangle": 4, "circle": 4, "mask": 4, "oriented_rectangle": 8}
	if n, fixed := want[kind]; fixed && len(xy) != n {
		s.fault("points", place, "a %s of %d points, want %d", kind, len(xy)/2, n/2)
		return m, false
	}
	switch kind {
	case "polygon", "oriented_rectangle":
		if len(xy) < 6 {
			s.fault("polygon", place, "the polygon has %d points, want 3 at least", len(xy)/2)
			return m, false
		}
		m = fillLabelme(xy, im.Height, im.Width)
	case "rectangle":
		m = fillRectangle(xy[0], xy[1], xy[2], xy[3], im.Height, im.Width)
	case "circle":
		m = fillCircle(xy[0], xy[1], math.Hypot(xy[2]-xy[0], xy[3]-xy[1]), im.Height, im.Width)
	case "mask":
		var err error
		if m, err = pastedMask(shape.Mask, xy, im.Height, im.Width); err != nil {
			s.fault("mask", place, "%v", err)
			return m, false
		}
	case "point", "points", "line", "linestrip":
		s.warn("shape-type", place, "a %s has no area; it is left out", kind)
		return m, false
	default:
		s.fault("shape-type", place, "shapes of the type %q are not known; polygon, rectangle, oriented_rectangle, circle and mask are", kind)
		return m, false
	}
	return m, s.filled(m, [][]float64{xy}, im, place)
}

// pastedMask is a mask that labelme keeps as a picture of its box.
func pastedMask(text string, xy []float64, height, width int) (rle.Mask, error) {
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return rle.Mask{}, fmt.Errorf("the mask is no base64: %w", err)
	}
	c, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return rle.Mask{}, fmt.Errorf("the mask is no PNG: %w", err)
	}
	p := wholePixels(xy)
	if w, h := p[1].x-p[0].x+1, p[1].y-p[0].y+1; c.Width != w || c.Height != h || c.Width*c.Height > imageio.DefaultMaxPixels {
		return rle.Mask{}, fmt.Errorf("the mask has %d×%d pixels (width × height), its points are around %d×%d", c.Width, c.Height, w, h)
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return rle.Mask{}, fmt.Errorf("the mask is no PNG: %w", err)
	}
	canvas := newCanvas(p[0].x, p[0].y, p[1].x, p[1].y, height, width)
	for y := canvas.y; y < canvas.y+canvas.h; y++ {
		for x := canvas.x; x < canvas.x+canvas.w; x++ {
			if r, g, b, _ := img.At(x-p[0].x, y-p[0].y).RGBA(); r|g|b != 0 {
				canvas.span(x, x, y)
			}
		}
	}
	return canvas.mask(height, width), nil
}

// reasonOf says what is wrong with a file of JSON.
func reasonOf(err error) string {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Sprintf("byte %d: %v", syntax.Offset, syntax)
	case errors.As(err, &kind):
		return fmt.Sprintf("byte %d: %s is a %s", kind.Offset, kind.Field, kind.Value)
	}
	return plain(err)
}
