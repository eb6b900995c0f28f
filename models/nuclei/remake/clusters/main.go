// Command clusters sorts the training images of the built-in model into folders of images
// that look alike, for balanced training and for a validation that holds out whole kinds of
// images. Run it in the root of the repository:
//
//	go run ./models/nuclei/remake/clusters -images DIR -truth instances_train.json -to clusters
//
// It writes clusters/NN/NAME.png, links to the images, and clusters/instances.json, the annotations with
// those names.
// The same images give the same clusters: k-means on standardised features, which begins
// with the image nearest to the mean and then takes the one farthest from all chosen.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/spinemask/spinemask/internal/core/imageio"
)

func main() {
	log.SetFlags(0)
	images := flag.String("images", "", "folder of the images")
	truth := flag.String("truth", "", "their annotations, COCO JSON")
	to := flag.String("to", "", "folder to write")
	k := flag.Int("clusters", 16, "number of clusters")
	flag.Parse()
	if *images == "" || *truth == "" || *to == "" {
		flag.Usage()
		os.Exit(2)
	}
	if err := write(*images, *truth, *to, *k); err != nil {
		log.Fatal("clusters: ", err)
	}
}

func write(images, truth, to string, k int) error {
	data, err := os.ReadFile(truth)
	if err != nil {
		return err
	}
	var set struct {
		Images      []map[string]any `json:"images"`
		Annotations []map[string]any `json:"annotations"`
		Categories  []map[string]any `json:"categories"`
	}
	if err := json.Unmarshal(data, &set); err != nil {
		return fmt.Errorf("%s: %w", truth, err)
	}
	areas := map[any][]float64{}
	for _, a := range set.Annotations {
		area, ok := a["area"].(float64)
		if !ok {
			return fmt.Errorf("%s: annotation %v has no area", truth, a["id"])
		}
		areas[a["image_id"]] = append(areas[a["image_id"]], area)
	}
	var rows [][]float64
	for _, im := range set.Images {
		name, _ := im["file_name"].(string)
		photo, err := imageio.Open(filepath.Join(images, name), imageio.Options{IgnoreOrientation: true})
		if err != nil {
			return err
		}
		rows = append(rows, features(photo, areas[im["id"]]))
	}
	cluster := kMeans(standardised(rows), k)
	for i, im := range set.Images {
		old := im["file_name"].(string)
		name := fmt.Sprintf("%02d/%s", cluster[i], filepath.Base(old))
		im["file_name"], im["cluster"] = name, cluster[i]
		if err := link(filepath.Join(images, old), filepath.Join(to, name)); err != nil {
			return err
		}
	}
	describe(os.Stdout, rows, cluster, k)
	out, err := json.Marshal(set)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(to, "instances.json"), out, 0o666)
}

// link makes a link to a file, and its folder.
func link(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
		return err
	}
	from, err := filepath.Abs(from)
	if err != nil {
		return err
	}
	return os.Symlink(from, to)
}
