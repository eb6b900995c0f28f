package export

import (
	"encoding/json"
	"io"
	"slices"
	"strconv"

	"github.com/spinemask/spinemask/internal/core/resultjson"
)

// A Dataset writes results as a COCO data set, as if people had annotated them: for tools in which people correct them, and for training. A mask is given by
// polygons, which can be edited; one with holes, which COCO's polygons do not have, as RLE. "area" is that of the mask, "score" an addition. Instances of a
// detector without masks have boxes alone.
type Dataset struct {
	w      io.Writer
	info   Info
	cats   []Category
	images []Image
	buf    []byte
	n      int64
}

// NewDataset begins a data set on w.
func NewDataset(w io.Writer, info Info, categories []Category) *Dataset {
	return &Dataset{w: w, info: info, cats: slices.Clone(categories), images: []Image{}}
}

// Add writes the instances of a picture; annotations are counted from 1, because 0 means "none" to COCO's evaluation.
func (d *Dataset) Add(p *Picture) error {
	d.images = append(d.images, p.Image)
	b := d.buf[:0]
	for i := range p.Instances {
		in := &p.Instances[i]
		if !slices.ContainsFunc(d.cats, func(c Category) bool { return c.ID == in.Category }) {
			d.cats = append(d.cats, Category{in.Category, in.Name}) // a row of the network that its data set does not use
		}
		if d.n == 0 {
			b = append(b, `{"annotations":[`...)
		} else {
			b = append(b, ',')
		}
		d.n++
		b = append(b, "\n{\"id\":"...)
		b = strconv.AppendInt(b, d.n, 10)
		b = append(b, `,"image_id":`...)
		b = strconv.AppendInt(b, p.ID, 10)
		b = append(b, `,"category_id":`...)
		b = strconv.AppendInt(b, int64(in.Category), 10)
		bounds := in.Box
		if in.HasMask() {
			x, y, w, h := in.Mask.Bounds()
			bounds = [4]float64{float64(x), float64(y), float64(w), float64(h)}
		}
		b = append(b, `,"bbox":`...)
		b = resultjson.AppendNumbers(b, bounds[:])
		b = append(b, `,"area":`...)
		b = resultjson.AppendNumber(b, in.area())
		b = append(b, `,"iscrowd":0,"score":`...)
		b = resultjson.AppendScore(b, in.Score)
		if in.HasMask() {
			b = append(b, `,"segmentation":`...)
			b = appendSegmentation(b, in)
		}
		b = append(b, '}')
	}
	d.buf = b
	_, err := d.w.Write(b)
	return err
}

func appendSegmentation(b []byte, in *Instance) []byte {
	list := outlines(in.Mask, tolerance)
	for _, p := range list {
		if len(p.holes) > 0 {
			return resultjson.AppendMask(b, in.Mask)
		}
	}
	if len(list) == 0 {
		return resultjson.AppendMask(b, in.Mask)
	}
	b = append(b, '[')
	for i, p := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '[')
		for k, q := range p.outer {
			if k > 0 {
				b = append(b, ',')
			}
			b = resultjson.AppendNumber(b, q.x)
			b = append(b, ',')
			b = resultjson.AppendNumber(b, q.y)
		}
		b = append(b, ']')
	}
	return append(b, ']')
}

// Close writes what is not annotations.
func (d *Dataset) Close() error {
	begin := "\n],\n"
	if d.n == 0 {
		begin = "{\"annotations\":[],\n"
	}
	rest, err := json.MarshalIndent(struct {
		Info       Info       `json:"info"`
		Images     []Image    `json:"images"`
		Categories []Category `json:"categories"`
	}{d.info, d.images, d.cats}, "", " ")
	if err != nil {
		return err
	}
	_, err = io.WriteString(d.w, begin+string(rest[1:])+"\n") // one object of both
	return err
}
