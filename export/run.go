package export

import (
	"encoding/json"
	"io"

	"github.com/spinemask/spinemask/config"
)

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
	Description   string   `json:"description"`
	Version       string   `json:"version"` // of spinemask
	Model         string   `json:"model"`
	ModelSHA256   string   `json:"model_sha256"`
	MinScore      float64  `json:"min_score"`
	NMSIoU        float64  `json:"nms_iou"`
	MaxDetections int      `json:"max_detections"`
	Classes       []string `json:"classes,omitempty"`       // those that are kept; none: all
	AsStored      bool     `json:"as_stored,omitempty"`     // pictures were not turned upright
	Page          string   `json:"page,omitempty"`          // of files of several pages: a number or "all"; "": those that the file's own description says
	Channels      []string `json:"channels,omitempty"`      // numbers or names; none: the colour picture, or the nuclei
	Z             string   `json:"z,omitempty"`             // "max", "mean" or a number; "": the maximum over z
	Normalize     string   `json:"normalize,omitempty"`     // the rule that brings brightness to 8 bits; "": auto
	Scale         float64  `json:"scale,omitempty"`         // at which the model sees pictures; 0: fitted into its input
	Tile          int      `json:"tile,omitempty"`          // side of tiles, pixels; 0: none
	TileOverlap   int      `json:"tile_overlap,omitempty"`  // pixels
	Diameter      string   `json:"diameter,omitempty"`      // of objects, pixels, from which the scale follows; "auto": looked for in each picture, "large": in those that the input makes smaller, "off": in none
	PixelSize     float64  `json:"pixel_size_um,omitempty"` // that a person gave, micrometres
	Fast          bool     `json:"fast,omitempty"`          // computed with larger rounding errors
	NoOverlap     bool     `json:"no_overlap,omitempty"`    // each pixel belongs to one instance
	Objects       string   `json:"objects,omitempty"`       // of GeoJSON, where that is not Detection
	Stopped       bool     `json:"stopped,omitempty"`       // before the last picture
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
