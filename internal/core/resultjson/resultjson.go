// Package resultjson is the JSON of what was found in a picture, which the library and the command share:
//
//	{"category_id":1,"category":"nucleus","score":0.98,"bbox":[x,y,width,height],"area":411,"segmentation":{"size":[height,width],"counts":"…"}}
//
// What a detector without masks found has no segmentation, and the area of its box.
package resultjson

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/rle"
)

// An Instance is what is read; the area follows from the mask.
type Instance struct {
	Category     int        `json:"category_id"`
	Name         string     `json:"category"`
	Score        float32    `json:"score"`
	Box          [4]float64 `json:"bbox"`
	Segmentation *struct {
		Size   [2]int `json:"size"`
		Counts string `json:"counts"`
	} `json:"segmentation"`
}

// Mask decodes the mask, which must be of a picture of the given size; it is the zero Mask where there is none.
func (in *Instance) Mask(height, width int) (rle.Mask, error) {
	if in.Segmentation == nil {
		return rle.Mask{}, nil
	}
	size := in.Segmentation.Size
	m, err := rle.Decode(size[0], size[1], []byte(in.Segmentation.Counts))
	if err == nil && size != [2]int{height, width} {
		err = fmt.Errorf("mask of %dx%d pixels, want %dx%d", size[1], size[0], width, height)
	}
	return m, err
}

// Append appends an instance, up to its closing brace: more may follow. bbox is x, y, width, height.
func Append(b []byte, category int, name string, score float32, bbox [4]float64, m rle.Mask) []byte {
	b = append(b, `{"category_id":`...)
	b = strconv.AppendInt(b, int64(category), 10)
	b = append(b, `,"category":`...)
	b = AppendString(b, name)
	b = append(b, `,"score":`...)
	b = AppendScore(b, score)
	b = append(b, `,"bbox":`...)
	b = AppendNumbers(b, bbox[:])
	b = append(b, `,"area":`...)
	b = AppendNumber(b, Area(bbox, m))
	if m.H == 0 {
		return b
	}
	b = append(b, `,"segmentation":`...)
	return AppendMask(b, m)
}

// Area is the number of pixels of a mask, or the area of the box to three digits where there is no mask.
func Area(bbox [4]float64, m rle.Mask) float64 {
	if m.H > 0 {
		return float64(m.Area())
	}
	return math.Round(bbox[2]*bbox[3]*1000) / 1000
}

// Box gives x, y, width and height to three digits.
func Box(b box.Box) [4]float64 {
	x, y := float64(b.X1), float64(b.Y1)
	out := [4]float64{x, y, float64(b.X2) - x, float64(b.Y2) - y}
	for i, v := range out {
		out[i] = math.Round(v*1000)/1000 + 0 // never -0
	}
	return out
}

// AppendString appends a string in quotes.
func AppendString(b []byte, s string) []byte {
	q, err := json.Marshal(s)
	if err != nil {
		panic("resultjson: a string that JSON cannot hold") // there is none: bad UTF-8 is replaced
	}
	return append(b, q...)
}

// AppendScore appends the shortest digits that give the score again.
func AppendScore(b []byte, s float32) []byte { return strconv.AppendFloat(b, float64(s), 'g', -1, 32) }

// AppendNumber appends the shortest digits without an exponent that give v again.
func AppendNumber(b []byte, v float64) []byte { return strconv.AppendFloat(b, v, 'f', -1, 64) }

// AppendNumbers appends a list.
func AppendNumbers(b []byte, list []float64) []byte {
	b = append(b, '[')
	for i, v := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = AppendNumber(b, v)
	}
	return append(b, ']')
}

// AppendMask appends a mask as COCO's compressed RLE.
func AppendMask(b []byte, m rle.Mask) []byte {
	b = append(b, `{"size":[`...)
	b = strconv.AppendInt(b, int64(m.H), 10)
	b = append(b, ',')
	b = strconv.AppendInt(b, int64(m.W), 10)
	b = append(b, `],"counts":`...)
	b = strconv.AppendQuote(b, m.String()) // printable ASCII: Go's and JSON's quoting agree
	return append(b, '}')
}
