package main

// maxWorkers is the default's limit. A worker's memory is 70 to 86 MB with the built-in model and 184 to 231 MB with SpineNet-49 at 640×640, on one to four threads,
// so 16 workers stay within 5 GB, and the caches and the memory's bandwidth, which all of them share, are not stretched further.
const maxWorkers = 16

// mostThreads is far beyond the cores of any machine: each thread reserves some MB.
const mostThreads = 1024

// share says how a run over a number of images uses the cores: so many images at once, each with so many threads.
//
// Parts of an image's way run on one thread (decoding, proposals, NMS, writing), and between steps of the network threads wait for each other; images wait for
// nothing. Two images on a thread each were 20 to 27 % faster than one on two threads (docs/performance.md), so the default is an image for each core, and more
// threads for each only where there are more cores than images or than maxWorkers:
//
//	2 cores: 2 × 1    8 cores: 8 × 1    64 cores: 16 × 4    one image: 1 × all
//
// workers is what the user wants, 0 for the default. Rounding up leaves no core without work.
func share(cores, images, workers int) (atOnce, threads int) {
	if workers == 0 {
		workers = min(cores, maxWorkers)
	}
	workers = max(min(workers, images), 1)
	return workers, (cores + workers - 1) / workers
}
