/** The console of fleet-reflex: what ran, why, what waits for a person, and the switches. */
import { render } from 'preact';
import { Console } from './console.tsx';
import './style.css';

const root = document.getElementById('console');
if (root !== null) render(<Console />, root);
