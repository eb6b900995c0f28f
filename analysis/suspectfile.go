package analysis

import (
	"encoding/json"
	"io"

	"github.com/spinemask/spinemask/coco"
)

// WriteSuspects writes suspects as an annotation file that labelling tools open: the images and categories of the data set,
// and as annotations the suspects, of the class that they should have, each with its description as field "suspect". results
// may be nil; masks of what is missing are taken from it, which must be the file that was added first.
func (a *Analysis) WriteSuspects(w io.Writer, list []Suspect, results *coco.Results) error {
	d := a.o.Dataset
	var entries []coco.Entry
	for i := range list {
		s := &list[i]
		var e coco.Entry
		switch {
		case s.Index >= 0:
			e = d.Entry(int(a.o.Annotations[s.Index].Entry))
		default:
			if n := a.o.Detections[s.Detection].Entry; results != nil && int(n) < results.Len() {
				e = results.Entry(int(n))
			}
			image := d.Images[a.o.Images[s.Image]].ID
			e.ImageID = image
			if d.ImageNames != nil {
				e.ImageName = &d.ImageNames[image]
			}
		}
		switch {
		case e.Has&coco.HasArea != 0:
		case e.Mask.Runs != nil:
			e.Area = float64(e.Mask.Area())
		default:
			e.Area = s.Box[2] * s.Box[3]
		}
		e.ID, e.IDName, e.Box, e.Area = int64(i+1), nil, s.Box, finite(e.Area)
		c := &a.o.Categories[s.Class.Index]
		e.CategoryID, e.Category = c.ID, c.IDName
		e.Has = coco.HasID | coco.HasBox | coco.HasArea | coco.HasCrowd | e.Has&(coco.HasKeypoints|coco.HasVisible)
		text, err := json.Marshal(s)
		if err != nil {
			return err
		}
		e.Members = append([]byte(`"suspect":`), text...)
		entries = append(entries, e)
	}
	return coco.WriteAnnotations(w, d, entries)
}
