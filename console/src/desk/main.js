import 'uplot/dist/uPlot.min.css';
import '../fonts.css';
import '../app.css';
import './desk.css';
import { mount } from 'svelte';
import { settings } from '../lib/settings.svelte.js';
import Desk from './Desk.svelte';

settings.apply();
mount(Desk, { target: document.getElementById('app') });
