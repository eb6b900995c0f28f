package export

import (
	"encoding/json"
	"io"
	"math"
	"path"
	"strconv"
	"strings"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/config"
)

// An Image is one picture of a run.
type Image struct {
	ID       int64  `json:"id"`
	FileName string `json:"file_name"` // with slashes
	Width    int    `json:"width"`
	Height   int    `json:"height"`
}

// IDs gives pictures the ids that COCO's tools identify them by. Where every name is a number, as COCO's own are (000000000139.jpg), that is the id; else they
// are counted from 1 in the order of the list.
func IDs(fileNames []string) []int64 {
	ids := make([]int64, len(fileNames))
	seen := map[int64]bool{}
	for i, name := range fileNames {
		base := path.Base(name)
		id, err := strconv.ParseUint(strings.TrimSuffix(base, path.Ext(base)), 10, 53) // what a float64 holds, as some readers need
		if err != nil || seen[int64(id)] {
			for i := range ids {
				ids[i] = int64(i + 1)
			}
			return ids
		}
		seen[int64(id)] = true
		ids[i] = int64(id)
	}
	return ids
}

// COCO writes results in the format of COCO's results files: an array with an entry for each instance, a line each.
//
//	{"image_id":7,"file_name":"a.png","category_id":1,"bbox":[x,y,width,height],"score":0.98,"segmentation":{"size":[height,width],"counts":"…"}}
//
// Boxes are in pixels of the picture as it is shown upright, from its upper left corner, to three digits; scores are exact. "file_name" is an addition that
// COCO's tools ignore.
type COCO struct {
	w   io.Writer
	buf []byte
	n   int
}

// NewCOCO begins an array on w.
func NewCOCO(w io.Writer) *COCO { return &COCO{w: w} }

// Add writes the instances of a picture.
func (c *COCO) Add(im Image, r *spinemask.Result) error {
	name, err := json.Marshal(im.FileName)
	if err != nil {
		return err
	}
	b := c.buf[:0]
	for _, in := range r.Instances {
		if c.n == 0 {
			b = append(b, "[\n"...)
		} else {
			b = append(b, ",\n"...)
		}
		c.n++
		b = append(b, `{"image_id":`...)
		b = strconv.AppendInt(b, im.ID, 10)
		b = append(b, `,"file_name":`...)
		b = append(b, name...)
		b = append(b, `,"category_id":`...)
		b = strconv.AppendInt(b, int64(in.Category), 10)
		b = append(b, `,"bbox":[`...)
		x, y := float64(in.Box.X1), float64(in.Box.Y1)
		for i, v := range [4]float64{x, y, float64(in.Box.X2) - x, float64(in.Box.Y2) - y} {
			if i > 0 {
				b = append(b, ',')
			}
			b = strconv.AppendFloat(b, math.Round(v*1000)/1000, 'f', -1, 64)
		}
		b = append(b, `],"score":`...)
		b = strconv.AppendFloat(b, float64(in.Score), 'g', -1, 32)
		b = append(b, `,"segmentation":{"size":[`...)
		b = strconv.AppendInt(b, int64(in.Mask.H), 10)
		b = append(b, ',')
		b = strconv.AppendInt(b, int64(in.Mask.W), 10)
		b = append(b, `],"counts":`...)
		b = strconv.AppendQuote(b, in.Mask.String()) // printable ASCII: Go's and JSON's quoting agree
		b = append(b, "}}"...)
	}
	c.buf = b
	_, err = c.w.Write(b)
	return err
}

// Close ends the array. It does not close the file.
func (c *COCO) Close() error {
	end := "\n]\n"
	if c.n == 0 {
		end = "[]\n"
	}
	_, err := io.WriteString(c.w, end)
	return err
}

// A Run is what stands beside the results: which pictures were looked at, also those where nothing was found, with which model. It is a COCO data set without
// annotations, so that COCO's tools can load results on top of it.
type Run struct {
	Info       Info       `json:"info"`
	Images     []Image    `json:"images"`
	Failures   []Failure  `json:"failures"`
	Categories []Category `json:"categories"`
}

// Info says how results were made.
type Info struct {
	Description   string  `json:"description"`
	Version       string  `json:"version"` // of spinemask
	Model         string  `json:"model"`
	ModelSHA256   string  `json:"model_sha256"`
	MinScore      float64 `json:"min_score"`
	MaxDetections int     `json:"max_detections"`
	Stopped       bool    `json:"stopped,omitempty"` // before the last picture
}

// A Failure is a picture without results.
type Failure struct {
	FileName string `json:"file_name"`
	Error    string `json:"error"`
}

// A Category is a class of the model.
type Category struct {
	ID   int    `json:"id"`
	Name string `json:"name"`
}

// Categories lists the classes of a model that have names.
func Categories(c *config.Config) (list []Category) {
	for _, k := range c.Categories {
		if k.Name != "" {
			list = append(list, Category{k.ID, k.Name})
		}
	}
	return list
}

// Write writes the run as indented JSON.
func (r *Run) Write(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	e.SetEscapeHTML(false)
	return e.Encode(r)
}
