package export

import (
	"bytes"
	"encoding/json"
	"io"

	"github.com/spinemask/spinemask/internal/core/resultjson"
)

type labelmeFile struct {
	Version     string         `json:"version"`
	Flags       struct{}       `json:"flags"`
	Shapes      []labelmeShape `json:"shapes"`
	ImagePath   string         `json:"imagePath"`
	ImageData   []byte         `json:"imageData"` // null: labelme reads the image itself
	ImageHeight int            `json:"imageHeight"`
	ImageWidth  int            `json:"imageWidth"`
}

type labelmeShape struct {
	Label       string       `json:"label"`
	Points      [][2]float64 `json:"points"`
	GroupID     *int         `json:"group_id"`
	Description string       `json:"description"`
	ShapeType   string       `json:"shape_type"`
	Flags       struct{}     `json:"flags"`
}

// Labelme writes a picture for the annotation tool labelme, to correct masks by hand. imagePath is the image as seen from the folder of the file. A mask of several
// parts becomes several shapes of one group, a hole is joined to the outline by a line over and back. Outlines are for labelme, which fills the pixels under them.
// The description holds the score.
//
// labelme shows the first page of a file of several, so a picture with a Selection is itself in the file, as a PNG, if its Photo is at hand.
func Labelme(w io.Writer, p *Picture, imagePath string) error {
	f := labelmeFile{Version: "5.5.0", Shapes: []labelmeShape{}, ImagePath: imagePath, ImageHeight: p.Height, ImageWidth: p.Width}
	if p.Selection != "" && p.Photo != nil {
		var b bytes.Buffer
		if err := Photo(&b, p); err != nil {
			return err
		}
		f.ImageData = b.Bytes()
	}
	for i := range p.Instances {
		in := &p.Instances[i]
		parts := contours(in.Mask)
		var group *int
		if len(parts) > 1 {
			group = new(int)
			*group = i + 1
		}
		for _, part := range parts {
			s := labelmeShape{Label: in.Name, GroupID: group, ShapeType: "polygon", Description: "score " + string(resultjson.AppendScore(nil, in.Score))}
			for _, q := range corners(part) {
				s.Points = append(s.Points, [2]float64{q.x, q.y})
			}
			f.Shapes = append(f.Shapes, s)
		}
	}
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	e.SetEscapeHTML(false)
	return e.Encode(f)
}
