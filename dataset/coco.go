package dataset

import "encoding/json"

// COCO is the set as COCO's data set file, for package coco: ids of images are their
// numbers from 1, of annotations those of the objects through all images.
func (s *Set) COCO() ([]byte, error) {
	type rleMask struct {
		Size   [2]int `json:"size"`
		Counts string `json:"counts"`
	}
	type annotation struct {
		ID           int        `json:"id"`
		ImageID      int        `json:"image_id"`
		CategoryID   int        `json:"category_id"`
		BBox         [4]float32 `json:"bbox"`
		Area         uint64     `json:"area"`
		Crowd        int        `json:"iscrowd"`
		Segmentation *rleMask   `json:"segmentation,omitempty"`
	}
	type img struct {
		ID       int    `json:"id"`
		FileName string `json:"file_name"`
		Width    int    `json:"width"`
		Height   int    `json:"height"`
	}
	type category struct {
		ID   int    `json:"id"`
		Name string `json:"name"`
	}
	file := struct {
		Images      []img        `json:"images"`
		Categories  []category   `json:"categories"`
		Annotations []annotation `json:"annotations"`
	}{Images: []img{}, Categories: []category{}, Annotations: []annotation{}}
	for _, c := range s.Categories {
		file.Categories = append(file.Categories, category{c.ID, c.Title()})
	}
	for i, im := range s.Images {
		file.Images = append(file.Images, img{i + 1, im.Name, im.Width, im.Height})
		for _, o := range im.Objects {
			a := annotation{
				ID: len(file.Annotations) + 1, ImageID: i + 1, CategoryID: s.Categories[o.Category].ID,
				BBox: [4]float32{o.Box.X1, o.Box.Y1, o.Box.X2 - o.Box.X1, o.Box.Y2 - o.Box.Y1},
			}
			if o.Crowd {
				a.Crowd = 1
			}
			if o.Mask.H > 0 {
				a.Area = uint64(o.Mask.Area())
				a.Segmentation = &rleMask{[2]int{o.Mask.H, o.Mask.W}, o.Mask.String()}
			} else {
				a.Area = uint64(a.BBox[2] * a.BBox[3])
			}
			file.Annotations = append(file.Annotations, a)
		}
	}
	return json.Marshal(file)
}
