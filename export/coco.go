package export

import (
	"io"
	"strconv"

	"github.com/spinemask/spinemask/internal/core/resultjson"
)

// COCO writes results in the format of COCO's results files: an array with an entry for each instance, a line each.
//
//	{"image_id":7,"file_name":"a.png","category_id":1,"bbox":[x,y,width,height],"score":0.98,"segmentation":{"size":[height,width],"counts":"…"}}
//
// An instance of a detector without masks has no "segmentation". "file_name" is an addition that COCO's tools ignore.
type COCO struct {
	w   io.Writer
	buf []byte
	n   int
}

// NewCOCO begins an array on w.
func NewCOCO(w io.Writer) *COCO { return &COCO{w: w} }

// Add writes the instances of a picture.
func (c *COCO) Add(p *Picture) error {
	b := c.buf[:0]
	for i := range p.Instances {
		in := &p.Instances[i]
		if c.n == 0 {
			b = append(b, "[\n"...)
		} else {
			b = append(b, ",\n"...)
		}
		c.n++
		b = append(b, `{"image_id":`...)
		b = strconv.AppendInt(b, p.ID, 10)
		b = append(b, `,"file_name":`...)
		b = resultjson.AppendString(b, p.FileName)
		b = append(b, `,"category_id":`...)
		b = strconv.AppendInt(b, int64(in.Category), 10)
		b = append(b, `,"bbox":`...)
		b = resultjson.AppendNumbers(b, in.Box[:])
		b = append(b, `,"score":`...)
		b = resultjson.AppendScore(b, in.Score)
		if in.HasMask() {
			b = append(b, `,"segmentation":`...)
			b = resultjson.AppendMask(b, in.Mask)
		}
		b = append(b, '}')
	}
	c.buf = b
	_, err := c.w.Write(b)
	return err
}

// Close ends the array.
func (c *COCO) Close() error {
	end := "\n]\n"
	if c.n == 0 {
		end = "[]\n"
	}
	_, err := io.WriteString(c.w, end)
	return err
}
