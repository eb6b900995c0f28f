package dataset_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/dataset"
)

// Whatever stands in a file of annotations, opening it ends, and what comes out of it are
// proper masks of the picture.
func FuzzOpen(f *testing.F) {
	f.Add("a.json", []byte(`{"version":"5.5.0","flags":{},"imagePath":"a.png","imageHeight":10,"imageWidth":20,"shapes":[`+square+`,{"label":"cell","points":[[1,1],[4,4]],"group_id":1,"shape_type":"circle"},{"label":"cell","points":[[1,1],[4,4]],"shape_type":"mask","mask":"`+mask4x4+`"}]}`))
	f.Add("a.geojson", []byte(`{"type":"FeatureCollection","features":[{"type":"Feature","geometry":{"type":"MultiPolygon","coordinates":[[[[1,1],[8,1],[8,8]],[[3,2],[5,2],[5,4]]]]},"properties":{}}]}`))
	f.Add("labels/a.txt", []byte("0 0.5 0.5 0.2 0.2\n1 0.1 0.1 0.9 0.1 0.9 0.9\n"))
	f.Add("data.yaml", []byte(yoloData))
	f.Add("a_mask.png", []byte("\x89PNG\r\n\x1a\n"))
	f.Add("a_mask.tif", []byte("II*\x00\x08\x00\x00\x00"))
	f.Add("gt.json", []byte(`{"images":[{"id":1,"file_name":"a.png"}],"categories":[{"id":1}],"annotations":[{"image_id":1,"category_id":1,"bbox":[1,1,2,2],"segmentation":{"size":[10,20],"counts":[22,4,174]}}]}`))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		if len(data) > 1<<16 {
			return
		}
		d := folder{t, t.TempDir()}
		open := d.dir
		switch name {
		case "labels/a.txt", "data.yaml":
			d.yolo(yoloData, "0 0.5 0.5 0.2 0.2\n")
			open = d.path("data.yaml")
		case "a.json", "a.geojson", "a_mask.png", "a_mask.tif", "gt.json":
			d.picture("a.png", 1)
		default:
			return
		}
		require.NoError(t, os.WriteFile(filepath.Join(d.dir, filepath.FromSlash(name)), data, 0o644))
		s, err := dataset.Open(open, dataset.Options{})
		if err != nil {
			return
		}
		dataset.Check(s, nil, dataset.CheckOptions{Masks: true})
		for _, im := range s.Images {
			for _, o := range im.Objects {
				if o.HasMask() {
					require.NoError(t, o.Mask.Validate())
					require.Equal(t, [2]int{im.Height, im.Width}, [2]int{o.Mask.H, o.Mask.W})
				}
			}
		}
	})
}
