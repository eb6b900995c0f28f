package export

import (
	"encoding/json"
	"fmt"
	"image"
	"math"
	"path"
	"strconv"
	"strings"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/internal/core/resultjson"
	"github.com/spinemask/spinemask/rle"
)

// An Image is one picture of a run.
type Image struct {
	ID       int64  `json:"id"`
	FileName string `json:"file_name"` // with slashes
	Width    int    `json:"width"`
	Height   int    `json:"height"`
	// PixelSize is the width and the height of a pixel in micrometres; zeros where nobody knows.
	PixelSize [2]float64 `json:"pixel_size_um,omitzero"`
	// Selection says what was taken of a file of several pages, planes or channels, and what was left: "z-stack of 5: maximum over z".
	Selection string `json:"selection,omitempty"`
	// Brightness says how samples of more than 8 bits became 8: "uint16, 113 to 3980 shown as 0 to 255 (percentile:0.1,99.9)".
	Brightness string `json:"brightness,omitempty"`
	// ObjectDiameter is how large its objects looked, in pixels, where that was looked for in this picture, and Scale at what factor of its size the model saw it
	// therefore; a Scale of 0: as a whole.
	ObjectDiameter float64 `json:"object_diameter,omitzero"`
	Scale          float64 `json:"scale,omitzero"`
}

// A Picture is an image and what was found in it.
type Picture struct {
	Image
	Instances []Instance
	Photo     image.Image // its pixels; nil where only results are at hand
	Time      *float64    // seconds since the beginning of the video that it is a frame of; nil: it is a photo
	Thumbnail []byte      // JPEG for the report; nil where there is none
}

// An Instance is one thing in a picture, as the files say it: by falling score.
type Instance struct {
	Category  int
	Name      string // of the category
	Score     float32
	Box       [4]float64  // x, y, width, height in pixels, to three digits
	Mask      rle.Mask    // of the whole picture; zero: not known, see HasMask
	Intensity []Intensity // of a grey picture, or of red, green and blue; nil where nothing was measured
}

// NewPicture takes a result over, but for instances whose class is not wanted. No classes means all.
func NewPicture(im Image, r *spinemask.Result, classes []string) *Picture {
	p := &Picture{Image: im, Instances: []Instance{}}
	for _, in := range r.Instances {
		if len(classes) > 0 && !contains(classes, in.Name) {
			continue
		}
		p.Instances = append(p.Instances, Instance{Category: in.Category, Name: in.Name, Score: in.Score, Box: resultjson.Box(in.Box), Mask: in.Mask})
	}
	return p
}

func contains(classes []string, name string) bool {
	for _, c := range classes {
		if strings.EqualFold(c, name) {
			return true
		}
	}
	return false
}

// A Writer writes all pictures of a run to one file.
type Writer interface {
	Add(*Picture) error
	Close() error // ends the content; the file stays open
}

// A FailureWriter is a writer that also tells of pictures without results.
type FailureWriter interface {
	Writer
	Fail(id int64, f Failure) error
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

// AppendJSON appends p, a line without its end:
//
//	{"id":7,"file_name":"a.png","width":640,"height":480,"instances":[{"category_id":1,"category":"nucleus","score":0.98,
//	"bbox":[x,y,width,height],"area":411,"segmentation":{"size":[height,width],"counts":"…"}},…]}
//
// Where the size of a pixel is known, "pixel_size_um":[width,height] follows the height, in micrometres; then "selection" and "brightness" of [Image]. A frame of a video has its "time" in seconds before the instances, to six digits.
//
// An instance that was measured has "intensity":[{"mean":…,"min":…,"max":…}] at its end, one for each channel: grey, or red, green and blue.
//
// Boxes are in pixels of the picture as it is shown upright, from its upper left corner, to three digits; areas are the pixels of the mask; scores are exact.
// An instance of a detector without masks has no "segmentation", and the area of its box.
func (p *Picture) AppendJSON(b []byte) []byte {
	b = append(b, `{"id":`...)
	b = strconv.AppendInt(b, p.ID, 10)
	b = append(b, `,"file_name":`...)
	b = resultjson.AppendString(b, p.FileName)
	b = append(b, `,"width":`...)
	b = strconv.AppendInt(b, int64(p.Width), 10)
	b = append(b, `,"height":`...)
	b = strconv.AppendInt(b, int64(p.Height), 10)
	if p.PixelSize != [2]float64{} {
		b = append(b, `,"pixel_size_um":`...)
		b = resultjson.AppendNumbers(b, p.PixelSize[:])
	}
	if p.Selection != "" {
		b = append(b, `,"selection":`...)
		b = resultjson.AppendString(b, p.Selection)
	}
	if p.Brightness != "" {
		b = append(b, `,"brightness":`...)
		b = resultjson.AppendString(b, p.Brightness)
	}
	if p.Scale != 0 {
		b = append(b, `,"object_diameter":`...)
		b = resultjson.AppendNumber(b, p.ObjectDiameter)
		b = append(b, `,"scale":`...)
		b = resultjson.AppendNumber(b, p.Scale)
	}
	if p.Time != nil {
		b = append(b, `,"time":`...)
		b = resultjson.AppendNumber(b, math.Round(*p.Time*1e6)/1e6)
	}
	b = append(b, `,"instances":[`...)
	for i := range p.Instances {
		in := &p.Instances[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = resultjson.Append(b, in.Category, in.Name, in.Score, in.Box, in.Mask)
		b = append(appendIntensity(b, in.Intensity), '}')
	}
	return append(b, "]}"...)
}

// ParsePicture reads what AppendJSON wrote.
func ParsePicture(data []byte) (*Picture, error) {
	var line struct {
		Image
		Time      *float64 `json:"time"`
		Instances []struct {
			resultjson.Instance
			Intensity []Intensity `json:"intensity"`
		} `json:"instances"`
	}
	if err := json.Unmarshal(data, &line); err != nil {
		return nil, err
	}
	p := &Picture{Image: line.Image, Time: line.Time, Instances: make([]Instance, len(line.Instances))}
	for i, in := range line.Instances {
		m, err := in.Mask(p.Height, p.Width)
		if err != nil {
			return nil, fmt.Errorf("instance %d: %w", i, err)
		}
		p.Instances[i] = Instance{in.Category, in.Name, in.Score, in.Box, m, in.Intensity}
	}
	return p, nil
}
