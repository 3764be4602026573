// The desk's pages are a bundle of their own: the node's server has no business with them, and the desk's none with the console.
import { defineConfig, mergeConfig } from 'vite';
import common from './vite.config.js';

export default mergeConfig(common, defineConfig({ build: { outDir: 'dist-desk', rollupOptions: { input: 'desk.html' } } }));
