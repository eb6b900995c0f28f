package spinemask

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/internal/core/resultjson"
)

// MarshalJSON gives the JSON of the command's lines, without what they say of
// the file:
//
//	{"width":640,"height":480,"instances":[{"category_id":1,"category":"nucleus","score":0.98,
//	"bbox":[x,y,width,height],"area":411,"segmentation":{"size":[height,width],"counts":"…"}},…]}
//
// Boxes are rounded to three digits; scores and masks, as COCO's compressed RLE,
// are exact. Stages are left out.
func (r Result) MarshalJSON() ([]byte, error) {
	b := strconv.AppendInt([]byte(`{"width":`), int64(r.Width), 10)
	b = strconv.AppendInt(append(b, `,"height":`...), int64(r.Height), 10)
	b = append(b, `,"instances":[`...)
	for i, in := range r.Instances {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(resultjson.Append(b, in.Category, in.Name, in.Score, resultjson.Box(in.Box), in.Mask), '}')
	}
	return append(b, "]}"...), nil
}

// UnmarshalJSON reads what MarshalJSON wrote, and the lines of the command, whose
// file_name becomes the result's Name. The line of a file that failed gives its error.
func (r *Result) UnmarshalJSON(data []byte) error {
	var in struct {
		Name      string                `json:"file_name"`
		Error     string                `json:"error"`
		Width     int                   `json:"width"`
		Height    int                   `json:"height"`
		Instances []resultjson.Instance `json:"instances"`
	}
	if err := json.Unmarshal(data, &in); err != nil {
		return err
	}
	if in.Error != "" {
		return fmt.Errorf("spinemask: %s: %s", in.Name, in.Error)
	}
	out := Result{Name: in.Name, Width: in.Width, Height: in.Height, Instances: make([]Instance, len(in.Instances))}
	for i, x := range in.Instances {
		m, err := x.Mask(in.Height, in.Width)
		if err != nil {
			return fmt.Errorf("spinemask: instance %d: %w", i, err)
		}
		b := box.Box{Y1: float32(x.Box[1]), X1: float32(x.Box[0]), Y2: float32(x.Box[1] + x.Box[3]), X2: float32(x.Box[0] + x.Box[2])}
		out.Instances[i] = Instance{Category: x.Category, Name: x.Name, Score: x.Score, Box: b, Mask: m}
	}
	*r = out
	return nil
}
