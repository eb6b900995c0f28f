// Command clusters sorts the training images of the built-in model into folders of images
// that look alike, for balanced training and for a validation that holds out whole kinds of
// images. Run it in the root of the repository:
//
//	go run ./models/nuclei/remake/clusters -images DIR -truth instances_train.json -to clusters
//
// It writes clusters/NN/NAME.png, links to the images, and clusters/instances.json, the annotations with
// those names. With -hold 2,6 there are also held_out.json, the annotations of these clusters, and kept.json, the others.
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
	"strconv"
	"strings"

	"github.com/spinemask/spinemask/internal/core/imageio"
)

func main() {
	log.SetFlags(0)
	images := flag.String("images", "", "folder of the images")
	truth := flag.String("truth", "", "their annotations, COCO JSON")
	to := flag.String("to", "", "folder to write")
	k := flag.Int("clusters", 16, "number of clusters")
	hold := flag.String("hold", "", "clusters to hold out, such as 2,6,10,14")
	flag.Parse()
	if *images == "" || *truth == "" || *to == "" {
		flag.Usage()
		os.Exit(2)
	}
	held := map[int]bool{}
	for _, c := range strings.FieldsFunc(*hold, func(r rune) bool { return r == ',' }) {
		n, err := strconv.Atoi(c)
		if err != nil || n < 0 || n >= *k {
			log.Fatalf("clusters: -hold %s: %q is not a cluster from 0 to %d", *hold, c, *k-1)
		}
		held[n] = true
	}
	if err := write(*images, *truth, *to, *k, held); err != nil {
		log.Fatal("clusters: ", err)
	}
}

// set is a COCO data set.
type set struct {
	Images      []map[string]any `json:"images"`
	Annotations []map[string]any `json:"annotations"`
	Categories  []map[string]any `json:"categories"`
}

func write(images, truth, to string, k int, held map[int]bool) error {
	data, err := os.ReadFile(truth)
	if err != nil {
		return err
	}
	var all set
	if err := json.Unmarshal(data, &all); err != nil {
		return fmt.Errorf("%s: %w", truth, err)
	}
	areas := map[any][]float64{}
	for _, a := range all.Annotations {
		area, ok := a["area"].(float64)
		if !ok {
			return fmt.Errorf("%s: annotation %v has no area", truth, a["id"])
		}
		areas[a["image_id"]] = append(areas[a["image_id"]], area)
	}
	var rows [][]float64
	for _, im := range all.Images {
		name, _ := im["file_name"].(string)
		photo, err := imageio.Open(filepath.Join(images, name), imageio.Options{IgnoreOrientation: true})
		if err != nil {
			return err
		}
		rows = append(rows, features(photo, areas[im["id"]]))
	}
	cluster := kMeans(standardised(rows), k)
	for i, im := range all.Images {
		old := im["file_name"].(string)
		name := fmt.Sprintf("%02d/%s", cluster[i], filepath.Base(old))
		im["file_name"], im["cluster"] = name, cluster[i]
		if err := link(filepath.Join(images, old), filepath.Join(to, name)); err != nil {
			return err
		}
	}
	describe(os.Stdout, rows, cluster, k)
	if len(held) > 0 {
		if err := save(filepath.Join(to, "kept.json"), all.only(func(c int) bool { return !held[c] })); err != nil {
			return err
		}
		if err := save(filepath.Join(to, "held_out.json"), all.only(func(c int) bool { return held[c] })); err != nil {
			return err
		}
	}
	return save(filepath.Join(to, "instances.json"), all)
}

// only is the data set of the images of some clusters.
func (s set) only(wanted func(cluster int) bool) set {
	out := set{Categories: s.Categories}
	ids := map[any]bool{}
	for _, im := range s.Images {
		if wanted(im["cluster"].(int)) {
			out.Images, ids[im["id"]] = append(out.Images, im), true
		}
	}
	for _, a := range s.Annotations {
		if ids[a["image_id"]] {
			out.Annotations = append(out.Annotations, a)
		}
	}
	return out
}

func save(path string, s set) error {
	out, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return os.WriteFile(path, out, 0o666)
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
