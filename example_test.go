package spinemask_test

import (
	"context"
	"fmt"
	"image"
	"log"
	"path/filepath"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/models/nuclei"
)

// Counting cell nuclei with the built-in model.
func Example() {
	model, err := nuclei.Open(&spinemask.Options{MinScore: spinemask.DisplayScore})
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()
	img, err := spinemask.OpenImage("testdata/images/c901794d1a421d52.png", nil)
	if err != nil {
		log.Fatal(err)
	}
	result, err := model.Segment(context.Background(), img)
	if err != nil {
		log.Fatal(err)
	}
	covered := 0.0
	for _, in := range result.Instances {
		covered += float64(in.Mask.Area())
	}
	share := covered / float64(result.Height*result.Width)
	fmt.Printf("%d nuclei cover %.1f %% of the picture\n", len(result.Instances), 100*share)
	// Output: 14 nuclei cover 7.0 % of the picture
}

// A folder of pictures, which are read while others are segmented.
func ExampleModel_SegmentAll() {
	model, err := nuclei.Open(&spinemask.Options{MinScore: spinemask.DisplayScore})
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()
	files, _ := filepath.Glob("testdata/images/[ad]*.png")
	for result, err := range model.SegmentAll(context.Background(), spinemask.OpenImages(nil, files...)) {
		if err != nil {
			fmt.Println(err) // names its file
			continue
		}
		fmt.Println(filepath.Base(result.Name), len(result.Instances))
	}
	// Output:
	// a1777737270c5f96.png 25
	// d35f25c8e3f7fca5.png 34
}

// A checkpoint of tensorflow/tpu as it is published. What its tensors do not
// tell is assumed, and listed.
func ExampleOpen() {
	model, err := spinemask.Open("testdata/tf1_tiny/spinenet-tiny.tar.gz", &spinemask.Options{Height: 256, Width: 256})
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()
	fmt.Println(model.Config().Name)
	for _, a := range model.Source().Assumptions[:2] {
		fmt.Println("assumed:", a)
	}
	// Output:
	// spinenet with other sizes (tf1)
	// assumed: semantics = tf1 (names in the file)
	// assumed: activation = relu (default of tf1)
}

// Each thing on a transparent background.
func ExampleInstance_Cut() {
	model, err := nuclei.Open(&spinemask.Options{MaxDetections: 2})
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()
	picture := readImage("testdata/images/c901794d1a421d52.png")
	result, err := model.Segment(context.Background(), picture)
	if err != nil {
		log.Fatal(err)
	}
	for _, in := range result.Instances {
		cut := in.Cut(picture) // png.Encode writes it with its transparency
		fmt.Println(in.Name, cut.Bounds())
	}
	// Output:
	// nucleus (355,482)-(474,590)
	// nucleus (579,825)-(682,917)
}

func readImage(path string) image.Image {
	img, err := spinemask.OpenImage(path, nil)
	if err != nil {
		log.Fatal(err)
	}
	return img
}
