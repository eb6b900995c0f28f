package coco

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"strconv"
)

// A ResultsWriter writes a results file, entry by entry.
type ResultsWriter struct {
	w   *bufio.Writer
	n   int
	buf []byte
}

// NewResultsWriter begins a list of results on w.
func NewResultsWriter(w io.Writer) *ResultsWriter { return &ResultsWriter{w: bufio.NewWriter(w)} }

// Write writes a result: its ids, its score, and of the other fields those that Has names or that are not empty.
func (r *ResultsWriter) Write(e *Entry) error {
	sep := ",\n"
	if r.n == 0 {
		sep = "[\n"
	}
	b, err := appendEntry(append(r.buf[:0], sep...), e, false)
	if err != nil {
		return fmt.Errorf("coco: result %d: %w", r.n, err)
	}
	r.n++
	r.buf = b
	_, err = r.w.Write(b)
	return err
}

// Close ends the list; it does not close what is underneath.
func (r *ResultsWriter) Close() error {
	end := "\n]\n"
	if r.n == 0 {
		end = "[]\n"
	}
	if _, err := r.w.WriteString(end); err != nil {
		return err
	}
	return r.w.Flush()
}

// WriteDataset writes an annotation file.
func WriteDataset(w io.Writer, d *Dataset) error {
	return writeDataset(w, d, d.Len(), d.Entry)
}

// WriteAnnotations writes an annotation file with the images and categories of d and the annotations of a list.
func WriteAnnotations(w io.Writer, d *Dataset, list []Entry) error {
	return writeDataset(w, d, len(list), func(i int) Entry { return list[i] })
}

func writeDataset(w io.Writer, d *Dataset, n int, entry func(i int) Entry) error {
	out := bufio.NewWriter(w)
	b := []byte(`{"images":[`)
	for i := range d.Images {
		b = appendImage(separate(b, i), &d.Images[i], d)
	}
	b = append(b, "],\n\"categories\":["...)
	for i := range d.Categories {
		b = appendCategory(separate(b, i), &d.Categories[i])
	}
	b = append(b, "],\n\"annotations\":["...)
	for i := range n {
		e := entry(i)
		var err error
		if b, err = appendEntry(separate(b, i), &e, true); err != nil {
			return fmt.Errorf("coco: annotation %d: %w", i, err)
		}
		if _, err := out.Write(b); err != nil {
			return err
		}
		b = b[:0]
	}
	if _, err := out.Write(append(b, "]}\n"...)); err != nil {
		return err
	}
	return out.Flush()
}

// separate appends what stands before entry i of a list.
func separate(b []byte, i int) []byte {
	if i > 0 {
		b = append(b, ',')
	}
	return append(b, '\n')
}

func appendImage(b []byte, im *Image, d *Dataset) []byte {
	var name *Name
	if d.ImageNames != nil {
		name = &d.ImageNames[im.ID]
	}
	b = appendID(append(b, `{"id":`...), im.ID, name)
	b = fmt.Appendf(b, `,"height":%d,"width":%d,"file_name":`, im.Height, im.Width)
	b = appendString(b, im.FileName)
	if im.Negative != nil {
		b = appendInts(append(b, `,"neg_category_ids":`...), im.Negative)
	}
	if im.NotExhaustive != nil {
		b = appendInts(append(b, `,"not_exhaustive_category_ids":`...), im.NotExhaustive)
	}
	return append(b, '}')
}

func appendCategory(b []byte, c *Category) []byte {
	b = appendID(append(b, `{"id":`...), c.ID, c.IDName)
	b = appendString(append(b, `,"name":`...), c.Name)
	if c.Supercategory != "" {
		b = appendString(append(b, `,"supercategory":`...), c.Supercategory)
	}
	if c.Frequency != "" {
		b = appendString(append(b, `,"frequency":`...), c.Frequency)
	}
	if c.Keypoints != nil {
		b = append(b, `,"keypoints":[`...)
		for i, name := range c.Keypoints {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendString(b, name)
		}
		b = append(b, ']')
	}
	return append(b, '}')
}

// appendEntry appends an annotation, or a result.
func appendEntry(b []byte, e *Entry, annotation bool) ([]byte, error) {
	b = append(b, '{')
	if annotation && e.Has&HasID != 0 {
		b = appendID(append(b, `"id":`...), e.ID, e.IDName)
		b = append(b, ',')
	}
	b = appendID(append(b, `"image_id":`...), e.ImageID, e.ImageName)
	b = appendID(append(b, `,"category_id":`...), e.CategoryID, e.Category)
	var err error
	if e.Has&HasBox != 0 || e.Box != [4]float64{} {
		b, err = appendNumbers(append(b, `,"bbox":`...), e.Box[:], err)
	}
	if !annotation {
		b, err = appendNumber(append(b, `,"score":`...), e.Score, err)
	} else if e.Has&HasArea != 0 || e.Area != 0 {
		b, err = appendNumber(append(b, `,"area":`...), e.Area, err)
	}
	if e.Has&HasCrowd != 0 {
		b = appendFlag(append(b, `,"iscrowd":`...), e.Has&IsCrowd != 0)
	}
	if e.Has&Ignore != 0 {
		b = append(b, `,"ignore":1`...)
	}
	switch {
	case e.Mask.Runs != nil:
		b = fmt.Appendf(b, `,"segmentation":{"size":[%d,%d],"counts":`, e.Mask.H, e.Mask.W)
		b = append(appendString(b, e.Mask.String()), '}')
	case e.Polygons != nil:
		b = append(b, `,"segmentation":[`...)
		for i, xy := range e.Polygons {
			if i > 0 {
				b = append(b, ',')
			}
			b, err = appendNumbers(b, xy, err)
		}
		b = append(b, ']')
	}
	if e.Has&HasKeypoints != 0 || len(e.Keypoints) > 0 {
		b, err = appendNumbers(append(b, `,"keypoints":`...), e.Keypoints, err)
	}
	if e.Has&HasVisible != 0 {
		b = strconv.AppendInt(append(b, `,"num_keypoints":`...), int64(e.Visible), 10)
	}
	if len(e.Members) > 0 {
		b = append(append(b, ','), e.Members...)
	}
	return append(b, '}'), err
}

// appendID appends an id, by its name if it has one.
func appendID(b []byte, id int64, name *Name) []byte {
	switch {
	case name == nil:
		return strconv.AppendInt(b, id, 10)
	case name.Kind == StringName:
		return appendString(b, name.Text)
	}
	return append(b, name.Text...)
}

func appendFlag(b []byte, set bool) []byte {
	if set {
		return append(b, '1')
	}
	return append(b, '0')
}

func appendInts(b []byte, list []int64) []byte {
	b = append(b, '[')
	for i, v := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, v, 10)
	}
	return append(b, ']')
}

// appendNumbers appends a list; err is passed on, or tells of a number that JSON does not have.
func appendNumbers(b []byte, list []float64, err error) ([]byte, error) {
	b = append(b, '[')
	for i, v := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b, err = appendNumber(b, v, err)
	}
	return append(b, ']'), err
}

// appendNumber appends the shortest text that reads as v.
func appendNumber(b []byte, v float64, err error) ([]byte, error) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return b, fmt.Errorf("number %v", v)
	}
	if a := math.Abs(v); a != 0 && (a < 1e-6 || a >= 1e21) {
		return strconv.AppendFloat(b, v, 'e', -1, 64), err
	}
	return strconv.AppendFloat(b, v, 'f', -1, 64), err
}

func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ':
			b = append(b, `\u00`...)
			b = append(b, hex[c>>4], hex[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}
